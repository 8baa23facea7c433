"""Numeric and money: decimals, from digits to the base of 10000 to Arrow's binary integers.

A numeric is the number of its digits (to the base of 10000), the weight of the first of them, a
sign, the digits shown after the point, and the digits: 2 bytes each.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from osiris.drivers.postgres.copy_out.cells import (
    Cells,
    Decoded,
    Decoder,
    Mask,
    UnreadableValueError,
    big_endian,
    validity,
    without,
)
from osiris.drivers.postgres.wire.messages import MalformedMessageError

DIGITS_128: Final = 38
DIGITS_256: Final = 76
"""Digits that fit into Arrow's decimals of 128 and 256 bits."""

_BASE: Final = 10_000
_HEADER: Final = 8
_NEGATIVE: Final = 0x4000
_NO_NUMBER: Final = 0xC000  # NaN, and the infinities above it
_GROUPS_64: Final = 4  # digits to the base of 10000 that fit into 64 bits, in any case
_DIGIT_BITS: Final = 16
_DIGIT: Final = np.uint64(0xFFFF)
_SHIFT_MOST: Final = np.uint64(63)
_LEADING: Final = np.array([(1 << 64) - (1 << 64 - 16 * count) for count in range(5)], np.uint64)
"""For every count of digits, the bits of a word that they take."""
_LIMB_BITS: Final = np.uint64(32)
_LIMB: Final = np.uint64(0xFFFFFFFF)
_MONEY_DIGITS: Final = 19

Digits = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


def decimal_type(precision: int, scale: int) -> pa.DataType:
    """Return Arrow's decimal for so many digits, so many of them after the point."""
    wide = precision > DIGITS_128
    return pa.decimal256(precision, scale) if wide else pa.decimal128(precision, scale)


def numeric_decoder(kind: pa.DataType) -> Decoder:
    """Return what decodes numeric of a declared precision and scale."""
    whole, fraction = -(-(kind.precision - kind.scale) // 4), -(-kind.scale // 4)
    beyond = 10 ** (4 * fraction - kind.scale)  # in the last digit, always zeros
    words = kind.bit_width // 64
    combined = _in_one_word if whole + fraction <= _GROUPS_64 else _in_limbs

    def decode(cells: Cells) -> Decoded:
        negative, none, digits = _digits(cells, whole, fraction)
        null, lost = without(none, cells.null)
        return Decoded(_decimals(combined(digits, beyond, words), negative, kind, null), lost)

    return decode


def money_type(scale: int) -> pa.DataType:
    """Return the decimal that holds every money."""
    return decimal_type(_MONEY_DIGITS, scale)


def money_decoder(scale: int) -> Decoder:
    """Return what decodes money, whose digits after the point the server's locale decides."""
    kind = money_type(scale)

    def decode(cells: Cells) -> Decoded:
        cells.must_have(8)
        amount: Digits = cells.words("i8").view(np.int64)
        if cells.null is not None:
            amount[cells.null] = 0
        magnitude = np.abs(amount).view(np.uint64)
        words = [magnitude, np.zeros_like(magnitude)]
        return Decoded(_decimals(words, amount < 0, kind, cells.null))

    return decode


def _digits(cells: Cells, whole: int, fraction: int) -> tuple[Mask, Mask, list[Digits]]:
    """Return which are negative, which are no numbers, and the digits: one array a place."""
    head = cells.words("u8").view(np.uint64)
    if cells.null is not None:
        head[cells.null] = 0
    count = (head >> np.uint64(48)).view(np.int64)
    weight: Digits = (head >> np.uint64(32)).astype(np.uint16).view(np.int16).astype(np.int64)
    sign = (head >> np.uint64(16)).astype(np.uint16)
    if (np.where(cells.size > 0, cells.size - _HEADER, 0) != 2 * count).any():
        raise MalformedMessageError("a numeric has more or fewer digits than it says")
    places = whole + fraction
    first = whole - 1 - weight  # the place of a number's first digit
    if ((count > 0) & ((first < 0) | (first + count > places))).any():
        raise UnreadableValueError("holds a number with more digits than were declared")
    placed = _few_placed if places <= _GROUPS_64 else _many_placed
    return sign == _NEGATIVE, sign >= _NO_NUMBER, placed(cells, count, first, places)


def _few_placed(cells: Cells, count: Digits, first: Digits, places: int) -> list[Digits]:
    """Return the digits of every place, of numbers whose digits all fit into 8 bytes."""
    word = big_endian(cells.data, "u8", cells.at + _HEADER).view(np.uint64) & _LEADING[count]
    shift = (_DIGIT_BITS * (first + _GROUPS_64 - places)).view(np.uint64) & _SHIFT_MOST
    word >>= shift
    return [
        (word >> np.uint64(_DIGIT_BITS * place) & _DIGIT).view(np.int64)
        for place in reversed(range(places))
    ]


def _many_placed(cells: Cells, count: Digits, first: Digits, places: int) -> list[Digits]:
    """Return the digits of every place, of any numbers."""
    end = len(cells.data) - 2
    found = []
    for place in range(places):
        index = place - first
        inside = (index >= 0) & (index < count)
        at = np.minimum(cells.at + _HEADER + 2 * np.where(inside, index, 0), end)
        found.append(big_endian(cells.data, "u2", at).astype(np.int64) * inside)
    return found


def _in_one_word(digits: list[Digits], beyond: int, words: int) -> list[Words]:
    """Combine few digits."""
    total = digits[0]
    for digit in digits[1:]:
        total = total * _BASE + digit
    if beyond > 1:
        total //= beyond
    return [total.view(np.uint64), *(np.zeros(len(total), np.uint64) for _ in range(words - 1))]


def _in_limbs(digits: list[Digits], beyond: int, words: int) -> list[Words]:
    """Combine many digits, in parts of 32 bits, so that a product of two fits into 64."""
    limbs = [np.zeros(len(digits[0]), np.uint64) for _ in range(2 * words)]
    for place, digit in enumerate(digits, 1):
        last = place == len(digits)
        factor = np.uint64(_BASE // beyond if last else _BASE)
        carry = (digit // beyond if last else digit).view(np.uint64)
        for index, limb in enumerate(limbs):
            total = limb * factor + carry
            limbs[index] = total & _LIMB
            carry = total >> _LIMB_BITS
    return [low | high << _LIMB_BITS for low, high in zip(limbs[0::2], limbs[1::2], strict=True)]


def _decimals(words: list[Words], negative: Mask, kind: pa.DataType, null: Mask | None) -> pa.Array:
    """Return decimals of magnitudes, least word first, and signs: in two's complement."""
    values = np.empty((len(negative), len(words)), np.uint64)
    flip = np.where(negative, ~np.uint64(0), np.uint64(0))
    carry = negative.astype(np.uint64)
    for index, word in enumerate(words):
        values[:, index] = (word ^ flip) + carry
        carry = carry & (values[:, index] == 0)
    return pa.Array.from_buffers(kind, len(values), [validity(null), pa.py_buffer(values)])

"""DECIMAL, which the binary protocol sends as text: eight digits of every row at a time.

A word of eight ASCII digits becomes a number by three multiplications that each join neighbours:
digits to pairs, pairs to fours, fours to eight ("SIMD within a register"). What does not look as
it should (too many digits, another number of decimals than announced) is left to Arrow's parser.
"""

import contextlib
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from osiris.drivers.mysql.cells import (
    Cells,
    Decoded,
    converted,
    copied,
    texts,
    unaligned,
    validity,
)
from osiris.drivers.mysql.packet_starts import Bytes, Offsets

Words = npt.NDArray[np.uint64]

_WORD: Final = 8
_MOST_DIGITS: Final = 18  # that surely fit into 64 bits
_MINUS, _POINT = ord("-"), ord(".")


def _every_byte(value: int) -> np.uint64:
    return np.uint64(int.from_bytes(bytes([value]) * _WORD, "little"))


_ZEROS: Final = _every_byte(ord("0"))
_SIX: Final = _every_byte(6)
_HIGH_HALVES: Final = _every_byte(0xF0)
_LAST: Final = np.array([((1 << 8 * n) - 1) << (64 - 8 * n) for n in range(_WORD + 1)], np.uint64)
"""The bits of the last n characters of a word."""

# Multiplier, shift, and what to keep before: pairs, fours, eights.
_JOIN: Final = tuple(
    (np.uint64(multiplier), np.uint64(shift), np.uint64(keep))
    for multiplier, shift, keep in (
        (2561, 8, 0xFFFFFFFFFFFFFFFF),
        (6553601, 16, 0x00FF00FF00FF00FF),
        (42949672960001, 32, 0x0000FFFF0000FFFF),
    )
)


class _UnusualError(Exception):
    """A number is not spelled as its column announces."""


def decode_decimals(cells: Cells, kind: pa.DataType) -> Decoded:
    """Decode DECIMAL into `kind`, a decimal128 or decimal256 type."""
    begin, end = texts(cells)
    values = None
    if kind.precision <= _MOST_DIGITS and kind.scale <= _WORD:
        with contextlib.suppress(_UnusualError):
            values = _joined(cells, begin, end, kind)
    if values is None:
        values = converted(copied(cells.data, begin, end, cells.null), kind)
    return Decoded(values, end - cells.at)


def _joined(cells: Cells, begin: Offsets, end: Offsets, kind: pa.DataType) -> pa.Array:
    negative = cells.data[begin] == _MINUS
    point = end - (kind.scale + 1) if kind.scale else end
    digits = point - begin
    digits -= negative
    least = 0 if kind.scale else 1
    unusual = (digits < least) | (digits > min(kind.precision - kind.scale, 2 * _WORD))
    if kind.scale:
        unusual |= cells.data[point] != _POINT
    if cells.null is not None:
        unusual &= ~cells.null
        digits[cells.null] = 0
    if unusual.any():
        raise _UnusualError
    number = _number(cells.data, point, _LAST.take(digits, mode="clip"))
    if digits.max(initial=0) > _WORD:
        above = _number(cells.data, point - _WORD, _LAST.take(digits - _WORD, mode="clip"))
        number += above * np.uint64(10**_WORD)
    if kind.scale:
        kept = _LAST[kind.scale] if cells.null is None else _LAST[kind.scale] * ~cells.null
        number *= np.uint64(10**kind.scale)
        number += _number(cells.data, end, kept)
    signed = number.view(np.int64)
    np.negative(signed, out=signed, where=negative)
    wide = np.empty((len(signed), 2), np.int64)
    wide[:, 0] = signed
    np.right_shift(signed, 63, out=wide[:, 1])
    return pa.Array.from_buffers(kind, len(wide), [validity(cells.null), pa.py_buffer(wide)])


def _number(data: Bytes, end: Offsets, kept: Words | np.uint64) -> Words:
    """Return the number that the `kept` ones of the eight characters before `end` spell."""
    word: Words = unaligned(data, "<u8", end - _WORD).view(np.uint64)
    word ^= _ZEROS
    word &= kept
    if ((word + _SIX | word) & _HIGH_HALVES).any():
        raise _UnusualError  # something else than a digit
    for multiplier, shift, keep in _JOIN:
        word &= keep
        word *= multiplier
        word >>= shift
    return word

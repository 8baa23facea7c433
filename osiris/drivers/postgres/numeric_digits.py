"""Arrow decimals as PostgreSQL's binary `numeric`: digits to the base of 10000.

A numeric is sent as int16 fields: how many digits, the weight of the first, sign, scale, digits.
PostgreSQL drops zeros at both ends when it reads one (`numeric_recv`, `make_result`), so that all
values of a column can have the same number of digits, as many as its type may need.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_BASE: Final = 10000
_BASE_DIGITS: Final = 4
_NEGATIVE: Final = 0x4000
_HEAD: Final = 4
_FAST_PRECISION: Final = 18
_FAST_SCALE: Final = 16
_LIMB_BITS: Final = 32
_LIMB: Final = 1 << _LIMB_BITS

Int64s = npt.NDArray[np.int64]


def numeric_fields(array: pa.Array) -> npt.NDArray[Any]:
    """Return the values as rows of big-endian int16; what NULL becomes means nothing."""
    kind = array.type
    before = max(-(-(kind.precision - kind.scale) // _BASE_DIGITS), 0)
    after = max(-(-kind.scale // _BASE_DIGITS), 0)
    fields = np.empty((len(array), _HEAD + before + after), ">i2")
    fields[:, 0] = before + after
    fields[:, 1] = before - 1
    fields[:, 3] = max(kind.scale, 0)
    fast = kind.precision <= _FAST_PRECISION and 0 <= kind.scale <= _FAST_SCALE
    fill = _fill_from_int64 if fast else _fill_from_limbs
    fields[:, 2] = np.where(fill(array, fields[:, _HEAD:], before), _NEGATIVE, 0)
    return fields


def _words(array: pa.Array, dtype: str) -> npt.NDArray[Any]:
    """Return the values' own memory, a row of words each, the lowest first."""
    width = array.type.byte_width
    words = np.frombuffer(array.buffers()[1], dtype)
    per_value = width // np.dtype(dtype).itemsize
    start = array.offset * per_value
    return words[start : start + len(array) * per_value].reshape(len(array), per_value)


def _fill_from_int64(array: pa.Array, digits: npt.NDArray[Any], before: int) -> npt.NDArray[Any]:
    """Write the digits of values that an int64 holds; return which are negative."""
    number = _words(array, "<i8")[:, 0]
    size = np.abs(number)
    scale = array.type.scale
    whole = size // 10**scale
    rest = (size - whole * 10**scale) * 10 ** (-scale % _BASE_DIGITS)
    _fill(whole, digits[:, :before])
    _fill(rest, digits[:, before:])
    negative: npt.NDArray[Any] = number < 0
    return negative


def _fill(number: Int64s, digits: npt.NDArray[Any]) -> None:
    for place in range(digits.shape[1] - 1, -1, -1):
        higher = number // _BASE
        digits[:, place] = number - higher * _BASE
        number = higher


def _fill_from_limbs(array: pa.Array, digits: npt.NDArray[Any], _: int) -> npt.NDArray[Any]:
    """Write the digits of values of any size by long division; return which are negative."""
    words = _words(array, "<u4")
    negative: npt.NDArray[Any] = words[:, -1] >> (_LIMB_BITS - 1) != 0
    # One limb more, for the zeros that fill the last digit up.
    limbs = np.zeros((words.shape[1] + 1, len(array)), np.uint64)
    limbs[:-1] = np.where(negative[:, None], ~words, words).T
    scale = array.type.scale
    factor = 10 ** (-scale % _BASE_DIGITS if scale >= 0 else 0)
    _multiply(limbs, factor, carry=negative * np.uint64(factor))
    for _zero in range(max(-scale, 0)):
        _multiply(limbs, 10, carry=np.zeros(len(array), np.uint64))
    for place in range(digits.shape[1] - 1, -1, -1):
        digits[:, place] = _divide(limbs)
    return negative


def _multiply(limbs: npt.NDArray[Any], factor: int, *, carry: npt.NDArray[Any]) -> None:
    for limb in limbs:
        product = limb * np.uint64(factor) + carry
        limb[:] = product & np.uint64(_LIMB - 1)
        carry = product >> np.uint64(_LIMB_BITS)


def _divide(limbs: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Divide all by the base in place; return the remainders."""
    rest = np.zeros(limbs.shape[1], np.uint64)
    for limb in limbs[::-1]:
        value = (rest << np.uint64(_LIMB_BITS)) | limb
        limb[:] = value // np.uint64(_BASE)
        rest = value - limb * np.uint64(_BASE)
    return rest

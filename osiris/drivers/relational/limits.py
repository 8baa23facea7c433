"""Limits of a column beyond its Arrow type: lengths, digits of a second, first and last day."""

from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from osiris.drivers.relational.column_type import ColumnType
from osiris.drivers.relational.unfit import UnfitError, shown_value

_MICRO_DIGITS: Final = 6
_NANO_DIGITS: Final = 9
_COUNTED: Final = (pa.types.is_time, pa.types.is_timestamp, pa.types.is_duration)


def check_limits(array: pa.Array, column: ColumnType) -> None:
    """Raise `UnfitError` for the first value beyond a limit of the column."""
    for beyond, why in _limits(array, column):
        position = pc.index(beyond, value=True).as_py()
        if position >= 0:
            raise UnfitError(position, shown_value(array, position), why)


def _limits(array: pa.Array, column: ColumnType) -> Iterator[tuple[Any, str]]:
    """Yield which values are beyond each limit that the column has, and what is wrong then."""
    kind = array.type
    if pa.types.is_string(kind):
        yield from _text_limits(array, column)
    if pa.types.is_binary(kind) and column.length is not None:
        yield pc.greater(pc.binary_length(array), column.length), _longer(column, "bytes")
    if column.fraction < _MICRO_DIGITS and any(matches(kind) for matches in _COUNTED):
        number = array.cast(pa.int64())
        step = 10 ** (_MICRO_DIGITS - column.fraction)
        rest = pc.subtract(number, pc.multiply(pc.divide(number, step), step))
        yield pc.not_equal(rest, 0), f"the column keeps {column.fraction} digits of a second"
    if column.fraction < _MICRO_DIGITS and pa.types.is_interval(kind):
        step = 10 ** (_NANO_DIGITS - column.fraction)
        parts = array.to_pylist()
        finer = [None if v is None else bool(v.nanoseconds % step) for v in parts]
        yield pa.array(finer, pa.bool_()), f"the column keeps {column.fraction} digits of a second"
    if column.bounds is not None:
        least, most = column.bounds
        number = array.cast(pa.int32() if pa.types.is_date32(kind) else pa.int64())
        outside = pc.or_(pc.less(number, least), pc.greater(number, most))
        yield outside, "the column does not reach so far"


def _text_limits(array: pa.Array, column: ColumnType) -> Iterator[tuple[Any, str]]:
    if column.length is not None:
        yield pc.greater(pc.utf8_length(array), column.length), _longer(column, "characters")
    if not column.nul and b"\0" in _all_text(array):
        yield pc.match_substring(array, "\0"), "it holds the character NUL"


def _all_text(array: pa.Array) -> bytes:
    """Return the texts in one, which can be searched faster than each for itself."""
    _, offsets, data = array.buffers()
    if data is None or not len(array):
        return b""
    ends = pa.Array.from_buffers(pa.int32(), len(array) + 1, [None, offsets], offset=array.offset)
    start = ends[0].as_py()
    return bytes(data.slice(start, ends[len(array)].as_py() - start).to_pybytes())


def _longer(column: ColumnType, unit: str) -> str:
    return f"it is longer than {column.length} {unit}"

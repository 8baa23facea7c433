"""What each Arrow type becomes in CSV: columns that pyarrow writes as they are, others as text.

| Arrow type | text |
|---|---|
| integers, decimals | all digits, never an exponent |
| floats | the shortest text that reads back as the same value; `nan`, `inf`, `-inf` |
| booleans | `true`, `false` |
| dates, times, timestamps | ISO 8601 with a space, all the unit's digits, `Z` or `+0100` |
| durations | `[-]HH:MM:SS[.ffffff]`, hours without bound, fraction digits as the unit has |
| binary | hexadecimal digits, lower case |
| lists, structs, maps | JSON (`csv_json`) |
| month-day-nano intervals | ISO 8601, `P1M2DT3.5S` |
"""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from osiris.core.csv_json import json_column

_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_PLAIN_SCALE = range(7)
"""Scales of decimals that Arrow writes without an exponent, whatever the value."""
_FIRST_DAY, _LAST_DAY = -12687427, 11248736
"""Days since 1970 of the years -32767 to 32767, which Arrow can write, in every zone."""
_DAY = 24 * 60 * 60


class UnwritableError(Exception):
    """A value that has no text; `row` is its place in the column, from 0."""

    def __init__(self, row: int, text: str) -> None:
        super().__init__(text)
        self.row = row


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as one that pyarrow's CSV writer takes: itself, or a string column.

    Raises `UnwritableError` for a value that has no text.
    """
    kind = column.type
    for matches, convert in _CONVERSIONS:
        if matches(kind):
            return convert(column)
    return column


def text_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column of this type after `as_text`.

    Raises `pa.ArrowNotImplementedError` for a type that cannot be written.
    """
    return as_text(pa.array([], kind)).type


def is_long_decimal(kind: pa.DataType) -> bool:
    """Tell whether `as_text` makes texts of decimals, which are to be written like numbers."""
    return pa.types.is_decimal(kind) and kind.scale not in _PLAIN_SCALE


def _decimal(column: pa.Array) -> pa.Array:
    """Write all digits where Arrow would write an exponent: for few values of some scales."""
    text = column.cast(pa.string())
    short = pc.fill_null(pc.match_substring(text, "E"), fill_value=False)
    if not pc.any(short).as_py():
        return text
    spelt = [f"{value:f}" for value in column.filter(short).to_pylist()]
    return pc.replace_with_mask(text, short, pa.array(spelt, pa.string()))


def _in_range(column: pa.Array) -> pa.Array:
    """Return the column when Arrow can write every date of it; DuckDB's infinity it cannot."""
    if pa.types.is_date32(column.type):
        number, day = column.view(pa.int32()), 1
    else:
        number = column.view(pa.int64())
        day = _DAY * 10 ** _DIGITS[getattr(column.type, "unit", "ms")]
    ends = pc.min_max(number).as_py()
    if ends["min"] is None or (ends["min"] >= _FIRST_DAY * day and ends["max"] <= _LAST_DAY * day):
        return column
    early = pc.less(number, pa.scalar(_FIRST_DAY * day, number.type))
    late = pc.greater(number, pa.scalar(_LAST_DAY * day, number.type))
    row = pc.index(pc.or_(early, late), value=True).as_py()
    raise UnwritableError(row, "the date is infinite, or outside the years -32767 to 32767")


def _hex(column: pa.Array) -> pa.Array:
    """Write the whole data buffer in hexadecimal at once; the offsets double."""
    if not len(column):
        return pa.array([], pa.large_string())
    compact = pa.concat_arrays([column.cast(pa.large_binary())])
    _, offsets, data = compact.buffers()
    text = b"" if data is None else memoryview(data).hex().encode()
    ends = pa.Array.from_buffers(pa.int64(), len(compact) + 1, [None, offsets])
    doubled = pc.multiply(ends, 2).buffers()[1]
    made = pa.Array.from_buffers(
        pa.large_string(), len(compact), [None, doubled, pa.py_buffer(text)]
    )
    return pc.if_else(column.is_valid(), made, pa.scalar(None, pa.large_string()))


def _time_of_day(column: pa.Array) -> pa.Array:
    """Return the column when Arrow can write every time in it; SQL's 24:00:00 it cannot."""
    unit = column.type.unit
    number = column.view(pa.int64() if unit in {"us", "ns"} else pa.int32())
    late = pc.greater_equal(number, pa.scalar(_DAY * 10 ** _DIGITS[unit], number.type))
    if not pc.any(late).as_py():
        return column
    raise UnwritableError(pc.index(late, value=True).as_py(), "24:00:00 is no time of a day")


def _duration(column: pa.Array) -> pa.Array:
    digits = _DIGITS[column.type.unit]
    number = column.cast(pa.int64())
    negative = pc.less(number, 0)
    seconds = pc.divide(number, 10**digits)
    fraction = pc.abs(pc.subtract(number, pc.multiply(seconds, 10**digits)))
    minutes = pc.divide(seconds, 60)
    hours = pc.divide(minutes, 60)
    parts = [
        pc.if_else(negative, "-", ""),
        # Signs go last: the least int64 has no positive twin, its parts have.
        _padded(pc.abs(hours), 2),
        pa.scalar(":"),
        _padded(pc.abs(pc.subtract(minutes, pc.multiply(hours, 60))), 2),
        pa.scalar(":"),
        _padded(pc.abs(pc.subtract(seconds, pc.multiply(minutes, 60))), 2),
    ]
    if digits:
        parts += [pa.scalar("."), _padded(fraction, digits)]
    return pc.binary_join_element_wise(*parts, "")


def _padded(numbers: pa.Array, width: int) -> pa.Array:
    return pc.ascii_lpad(numbers.cast(pa.string()), width, "0")


def _interval(column: pa.Array) -> pa.Array:
    return pa.array([None if v is None else _iso(v) for v in column.to_pylist()], pa.string())


def _iso(value: Any) -> str:
    sign = "-" if value.nanoseconds < 0 else ""
    seconds, nanos = divmod(abs(value.nanoseconds), 1_000_000_000)
    fraction = f".{nanos:09}".rstrip("0").rstrip(".")
    return f"P{value.months}M{value.days}DT{sign}{seconds}{fraction}S"


def _json(column: pa.Array) -> pa.Array:
    try:
        return json_column(column, as_text)
    except UnwritableError as error:  # its row counts leaves
        for row in range(len(column)):
            try:
                json_column(column.slice(row, 1), as_text)
            except UnwritableError:
                raise UnwritableError(row, str(error)) from error
        raise


def _is_binary(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
        or types.is_binary_view(kind)
    )


def _is_extension(kind: pa.DataType) -> bool:
    return isinstance(kind, pa.BaseExtensionType)


def _storage(column: pa.Array) -> pa.Array:
    if column.type.extension_name == "arrow.uuid":
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.string())
    return as_text(column.storage)


_CONVERSIONS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Any]], ...] = (
    (_is_extension, _storage),
    (pa.types.is_dictionary, lambda column: as_text(column.dictionary_decode())),
    (pa.types.is_run_end_encoded, lambda column: as_text(pc.run_end_decode(column))),
    (_is_binary, _hex),
    (pa.types.is_string_view, lambda column: column.cast(pa.string())),
    (pa.types.is_duration, _duration),
    (pa.types.is_time, _time_of_day),
    (pa.types.is_interval, _interval),
    (pa.types.is_nested, _json),
    (is_long_decimal, _decimal),
    (lambda kind: pa.types.is_date(kind) or pa.types.is_timestamp(kind), _in_range),
    (pa.types.is_decimal32, lambda column: column.cast(pa.decimal128(9, column.type.scale))),
    (pa.types.is_decimal64, lambda column: column.cast(pa.decimal128(18, column.type.scale))),
    (pa.types.is_null, lambda column: column.cast(pa.string())),
)

"""What each Arrow type becomes in CSV: columns that pyarrow writes as they are, others as text.

| Arrow type | text |
|---|---|
| integers, decimals | all digits, never an exponent |
| floats | the shortest text that reads back as the same value; `nan`, `inf`, `-inf` |
| booleans | `true`, `false` |
| dates, times, timestamps | ISO 8601 with a space; as many fraction digits as the unit has |
| durations | `[-]HH:MM:SS[.ffffff]`, hours without bound, fraction digits as the unit has |
| binary | hexadecimal digits, lower case |
| lists, structs, maps | JSON |
| month-day-nano intervals | ISO 8601, `P1M2DT3.5S` |
"""

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


def as_text(column: pa.Array) -> pa.Array:
    """Return a column as one that pyarrow's CSV writer takes: itself, or a string column."""
    kind = column.type
    for matches, convert in _CONVERSIONS:
        if matches(kind):
            return convert(column)
    return column


def text_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema of a table after `as_text` of each column."""
    empty = [as_text(pa.array([], field.type)) for field in schema]
    return pa.schema([(f.name, c.type) for f, c in zip(schema, empty, strict=True)])


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


def _duration(column: pa.Array) -> pa.Array:
    digits = _DIGITS[column.type.unit]
    number = column.cast(pa.int64())
    negative = pc.less(number, 0)
    # The least int64 has no positive twin: take the parts first, then their signs away.
    seconds = pc.divide(number, 10**digits)
    fraction = pc.abs(pc.subtract(number, pc.multiply(seconds, 10**digits)))
    seconds = pc.abs(seconds)
    minutes = pc.divide(seconds, 60)
    hours = pc.divide(minutes, 60)
    parts = [
        pc.if_else(negative, "-", ""),
        _padded(hours, 2),
        pa.scalar(":"),
        _padded(pc.subtract(minutes, pc.multiply(hours, 60)), 2),
        pa.scalar(":"),
        _padded(pc.subtract(seconds, pc.multiply(minutes, 60)), 2),
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
    return pa.array([None if v is None else _dump(v) for v in column.to_pylist()], pa.string())


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


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
    (pa.types.is_interval, _interval),
    (pa.types.is_nested, _json),
    (pa.types.is_decimal32, lambda column: column.cast(pa.decimal128(9, column.type.scale))),
    (pa.types.is_decimal64, lambda column: column.cast(pa.decimal128(18, column.type.scale))),
    (pa.types.is_null, lambda column: column.cast(pa.string())),
)

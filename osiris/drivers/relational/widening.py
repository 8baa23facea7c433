"""The type that holds what a column has and what is to come into it."""

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa

from osiris.drivers.relational.column_type import ColumnType
from osiris.drivers.relational.fit import digits, kind_of
from osiris.drivers.relational.plain_type import plain_type

_INT64_DIGITS: Final = 19
_DECIMAL128_DIGITS: Final = 38
_DECIMAL256_DIGITS: Final = 76
_INTEGERS: Final = (pa.int8(), pa.int16(), pa.int32(), pa.int64())
_EXACT_IN_DOUBLE: Final = 32


def decimal_type(precision: int, scale: int) -> pa.DataType | None:
    """Return the smallest decimal type of so many digits; None when Arrow has none."""
    if precision > _DECIMAL256_DIGITS:
        return None
    wide = precision > _DECIMAL128_DIGITS
    return pa.decimal256(precision, scale) if wide else pa.decimal128(precision, scale)


def _numbers(source: Any, column: ColumnType) -> pa.DataType | None:
    """Join integers, booleans and decimals by their digits."""
    if pa.types.is_integer(source) and pa.types.is_integer(column.arrow):
        return _joined_integers(source, column.arrow)
    before, after = (max(pair) for pair in zip(digits(source), digits(column.arrow), strict=True))
    return decimal_type(before + after, after)


def _joined_integers(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    if pa.types.is_unsigned_integer(one) and pa.types.is_unsigned_integer(other):
        return max(one, other, key=lambda kind: kind.bit_width)
    if pa.uint64() in {one, other}:
        return decimal_type(20, 0)
    # One more bit for an unsigned one, which needs a sign beside the other.
    bits = max(kind.bit_width + pa.types.is_unsigned_integer(kind) for kind in (one, other))
    return next(kind for kind in _INTEGERS if kind.bit_width >= bits)


def _float(source: Any, column: ColumnType) -> pa.DataType | None:
    small = all(
        pa.types.is_floating(kind) or kind.bit_width <= _EXACT_IN_DOUBLE
        for kind in (source, column.arrow)
    )
    return pa.float64() if small else None


def _source(source: Any, _: ColumnType) -> pa.DataType | None:
    return plain_type(source)


def _text(_: Any, __: ColumnType) -> pa.DataType | None:
    return pa.string()


_JOINS: Final[dict[tuple[str, str], Callable[[Any, ColumnType], pa.DataType | None]]] = {
    ("integer", "bool"): _source,
    ("integer", "integer"): _numbers,
    ("integer", "decimal"): _numbers,
    ("decimal", "bool"): _source,
    ("decimal", "integer"): _numbers,
    ("decimal", "decimal"): _numbers,
    ("integer", "float"): _float,
    ("float", "integer"): _float,
    ("float", "float"): _float,
    ("text", "text"): _text,
    ("text", "uuid"): _text,
    ("json", "text"): _text,
    ("uuid", "text"): _text,
    ("binary", "binary"): _source,
    ("timestamp", "date"): _source,
    ("timestamp", "timestamp"): _source,
    ("timestamptz", "timestamptz"): _source,
    ("time", "time"): _source,
    ("duration", "time"): _source,
    ("duration", "duration"): _source,
}


def widened(source: pa.DataType, column: ColumnType) -> pa.DataType | None:
    """Return the Arrow type of a column that holds both exactly; None when there is none."""
    plain = plain_type(source)
    join = _JOINS.get((kind_of(plain), kind_of(column.arrow)))
    return None if join is None else join(plain, column)

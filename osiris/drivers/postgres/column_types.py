"""PostgreSQL's types and Arrow's, both ways: what a column holds, what holds an Arrow type.

The ranges are those of https://www.postgresql.org/docs/current/datatype.html.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from osiris.core.errors import DataError
from osiris.drivers.relational.column_type import ColumnType
from osiris.drivers.relational.fit import kind_of
from osiris.drivers.relational.plain_type import is_list, plain_type
from osiris.drivers.relational.widening import decimal_type

_HEADER: Final = 4
_SCALE_BITS: Final = 0x7FF
_SCALE_SIGN: Final = 1024
_MOST_DIGITS: Final = 76
_INTERVAL_FULL: Final = 0x7FFF
_ANY_FRACTION: Final = 0xFFFF
# From 4714-11-24 BC on; a date until 5874897, a timestamp further than Arrow's.
_DAYS: Final = (-2440588, 2145042905)
_MICROSECONDS: Final = (-210866803200000000, 9223372036854775807)


@dataclass(frozen=True)
class PostgresType(ColumnType):
    """A column's type with what COPY BINARY needs to know of it.

    Attributes:
        wire: name of the type whose binary form the values have: that below domains.
        oid: its number, which an array carries for its elements.

    """

    wire: str = "text"
    oid: int = 25


def _whole(arrow: pa.DataType) -> Callable[[int], dict[str, Any]]:
    return lambda _: {"arrow": arrow}


def _text(modifier: int) -> dict[str, Any]:
    length = None if modifier < 0 else modifier - _HEADER
    return {"arrow": pa.string(), "nul": False, "length": length}


def _plain_text(_: int) -> dict[str, Any]:
    return {"arrow": pa.string(), "nul": False}


def _numeric(modifier: int) -> dict[str, Any]:
    if modifier >= 0:
        precision = ((modifier - _HEADER) >> 16) & 0xFFFF
        # Eleven bits with a sign: before PostgreSQL 15 a scale was never negative.
        scale = (((modifier - _HEADER) & _SCALE_BITS) ^ _SCALE_SIGN) - _SCALE_SIGN
        # More digits than Arrow has: those that it has are held to the column's scale.
        return {"arrow": decimal_type(min(precision, _MOST_DIGITS), min(scale, _MOST_DIGITS))}
    return {"arrow": pa.decimal128(38, 0), "unbounded": True}


def _date(_: int) -> dict[str, Any]:
    return {"arrow": pa.date32(), "bounds": _DAYS}


def _time(modifier: int) -> dict[str, Any]:
    return {"arrow": pa.time64("us"), "fraction": 6 if modifier < 0 else modifier}


def _timestamp(zone: str | None) -> Callable[[int], dict[str, Any]]:
    arrow = pa.timestamp("us", zone)
    return lambda modifier: {
        "arrow": arrow,
        "fraction": 6 if modifier < 0 else modifier,
        "bounds": _MICROSECONDS,
    }


def _interval(modifier: int) -> dict[str, Any]:
    fields, fraction = (modifier >> 16) & _INTERVAL_FULL, modifier & 0xFFFF
    if modifier >= 0 and fields != _INTERVAL_FULL:
        return _parsed(modifier)
    any_fraction = modifier < 0 or fraction == _ANY_FRACTION
    return {"arrow": pa.month_day_nano_interval(), "fraction": 6 if any_fraction else fraction}


def _parsed(_: int) -> dict[str, Any]:
    return {"arrow": pa.string(), "nul": False, "parsed": True}


# By the name of the type in pg_type; what is not here is given to the server as text to parse.
_FROM_CATALOG: Final[dict[str, Callable[[int], dict[str, Any]]]] = {
    "bool": _whole(pa.bool_()),
    "int2": _whole(pa.int16()),
    "int4": _whole(pa.int32()),
    "int8": _whole(pa.int64()),
    "oid": _whole(pa.uint32()),
    "float4": _whole(pa.float32()),
    "float8": _whole(pa.float64()),
    "numeric": _numeric,
    "text": _plain_text,
    "citext": _plain_text,
    "varchar": _text,
    "bpchar": _text,
    "bytea": _whole(pa.binary()),
    "date": _date,
    "time": _time,
    "timestamp": _timestamp(None),
    "timestamptz": _timestamp("UTC"),
    "interval": _interval,
    "uuid": _whole(pa.uuid()),
    "json": lambda _: {"arrow": pa.json_(), "nul": False},
    "jsonb": lambda _: {"arrow": pa.json_(), "nul": False},
}


def catalog_type(name: str, wire: str, oid: int, modifier: int, *, enum: bool) -> PostgresType:
    """Return what a column holds that the catalog describes.

    Args:
        name: the type as `format_type` writes it.
        wire: `typname` of the type below all domains.
        oid: its number.
        modifier: its `atttypmod`, such as the length of a varchar; -1 for none.
        enum: whether it is an enumeration, whose binary form is the label's text.

    """
    fields = _plain_text(modifier) if enum else _FROM_CATALOG.get(wire, _parsed)(modifier)
    return PostgresType(name=name, wire="text" if enum else wire, oid=oid, **fields)


def array_of(name: str, element: PostgresType) -> PostgresType:
    """Return what a one-dimensional array column holds."""
    if element.parsed:
        text = PostgresType(name="text", **_plain_text(-1))
        return PostgresType(
            name=name, arrow=pa.list_(pa.string()), parsed=True, wire="array", element=text
        )
    return PostgresType(name=name, arrow=pa.list_(element.arrow), wire="array", element=element)


# Arrow types by `str` or by kind, and the type that is created for them: name, wire, number.
_CREATED: Final[dict[str, tuple[str, str, int]]] = {
    "bool": ("boolean", "bool", 16),
    "int8": ("smallint", "int2", 21),
    "int16": ("smallint", "int2", 21),
    "int32": ("integer", "int4", 23),
    "int64": ("bigint", "int8", 20),
    "uint8": ("smallint", "int2", 21),
    "uint16": ("integer", "int4", 23),
    "uint32": ("bigint", "int8", 20),
    "float": ("real", "float4", 700),
    "double": ("double precision", "float8", 701),
    "text": ("text", "text", 25),
    "null": ("text", "text", 25),
    "binary": ("bytea", "bytea", 17),
    "date": ("date", "date", 1082),
    "time": ("time without time zone", "time", 1083),
    "timestamp": ("timestamp without time zone", "timestamp", 1114),
    "timestamptz": ("timestamp with time zone", "timestamptz", 1184),
    "duration": ("interval", "interval", 1186),
    "interval": ("interval", "interval", 1186),
    "uuid": ("uuid", "uuid", 2950),
    # json keeps the text as it is; jsonb would reorder keys and drop those that are twice there.
    "json": ("json", "json", 114),
    "nested": ("json", "json", 114),
}


def type_for(arrow: pa.DataType) -> PostgresType:
    """Return the type of a new column for an Arrow type (`Dialect.column_type`)."""
    plain, kind = plain_type(arrow), kind_of(arrow)
    if kind == "list":
        return _list_for(plain)
    if plain == pa.uint64():
        plain, kind = pa.decimal128(20, 0), "decimal"
    if kind == "decimal":
        return _decimal_for(plain)
    found = _CREATED.get(str(plain)) or _CREATED.get(kind)
    if found is None:
        raise DataError(
            f"PostgreSQL has no type for Arrow's {arrow}", hint="convert the column in the query"
        )
    name, wire, oid = found
    return catalog_type(name, wire, oid, -1, enum=False)


def _list_for(plain: pa.DataType) -> PostgresType:
    if is_list(plain.value_type) or kind_of(plain.value_type) in {"nested", "json"}:
        return type_for(pa.json_())
    element = type_for(plain.value_type)
    return array_of(f"{element.name}[]", element)


def _decimal_for(plain: pa.DataType) -> PostgresType:
    # PostgreSQL before 15 has no scale below zero or above the precision.
    scale = max(plain.scale, 0)
    precision = max(plain.precision - min(plain.scale, 0), scale)
    arrow = decimal_type(precision, scale)
    name = f"numeric({precision},{scale})"
    if arrow is None:
        return PostgresType(name="numeric", wire="numeric", oid=1700, **_numeric(-1))
    return PostgresType(name=name, wire="numeric", oid=1700, arrow=arrow)

"""DuckDB's column types and Arrow's, both ways: what a column holds, what holds an Arrow type."""

from typing import Any, Final

import pyarrow as pa

from osiris.core.errors import ConfigError, DataError
from osiris.core.scan_sql import identifier
from osiris.drivers.relational.column_type import ColumnType
from osiris.drivers.relational.fit import kind_of
from osiris.drivers.relational.plain_type import plain_type
from osiris.drivers.relational.widening import decimal_type

_MOST_DIGITS: Final = 38
_NANO: Final = 9
# The ends of Arrow's ranges are infinity to DuckDB, and a timestamp begins a little later.
_DAYS: Final = (-2147483646, 2147483646)
_MICROSECONDS: Final = (-9223372022400000000, 9223372036854775806)

_CREATED: Final[dict[str, str]] = {
    "bool": "BOOLEAN",
    **{f"int{bits}": name for bits, name in ((8, "TINYINT"), (16, "SMALLINT"))},
    **{f"int{bits}": name for bits, name in ((32, "INTEGER"), (64, "BIGINT"))},
    **{f"uint{bits}": name for bits, name in ((8, "UTINYINT"), (16, "USMALLINT"))},
    **{f"uint{bits}": name for bits, name in ((32, "UINTEGER"), (64, "UBIGINT"))},
    "float": "FLOAT",
    "double": "DOUBLE",
    "text": "VARCHAR",
    "null": "VARCHAR",
    "binary": "BLOB",
    "date": "DATE",
    "time64[us]": "TIME",
    "time64[ns]": "TIME_NS",
    "timestamp[s]": "TIMESTAMP_S",
    "timestamp[ms]": "TIMESTAMP_MS",
    "timestamp[us]": "TIMESTAMP",
    "timestamp[ns]": "TIMESTAMP_NS",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "duration": "INTERVAL",
    "interval": "INTERVAL",
    "uuid": "UUID",
    "json": "JSON",
}
"""Arrow types by `str` or by kind, and the type that is created for them."""

_HELD: Final[dict[str, ColumnType]] = {
    "boolean": ColumnType("BOOLEAN", pa.bool_()),
    "tinyint": ColumnType("TINYINT", pa.int8()),
    "smallint": ColumnType("SMALLINT", pa.int16()),
    "integer": ColumnType("INTEGER", pa.int32()),
    "bigint": ColumnType("BIGINT", pa.int64()),
    "hugeint": ColumnType("HUGEINT", pa.decimal128(_MOST_DIGITS, 0)),
    "utinyint": ColumnType("UTINYINT", pa.uint8()),
    "usmallint": ColumnType("USMALLINT", pa.uint16()),
    "uinteger": ColumnType("UINTEGER", pa.uint32()),
    "ubigint": ColumnType("UBIGINT", pa.uint64()),
    "float": ColumnType("FLOAT", pa.float32()),
    "double": ColumnType("DOUBLE", pa.float64()),
    "varchar": ColumnType("VARCHAR", pa.string()),
    "json": ColumnType("JSON", pa.json_()),
    "blob": ColumnType("BLOB", pa.binary()),
    "date": ColumnType("DATE", pa.date32(), bounds=_DAYS),
    "time": ColumnType("TIME", pa.time64("us")),
    "time_ns": ColumnType("TIME_NS", pa.time64("ns"), fraction=_NANO),
    "timestamp_s": ColumnType("TIMESTAMP_S", pa.timestamp("us"), fraction=0),
    "timestamp_ms": ColumnType("TIMESTAMP_MS", pa.timestamp("us"), fraction=3),
    "timestamp": ColumnType("TIMESTAMP", pa.timestamp("us"), bounds=_MICROSECONDS),
    "timestamp_ns": ColumnType("TIMESTAMP_NS", pa.timestamp("ns"), fraction=_NANO),
    "timestamp with time zone": ColumnType(
        "TIMESTAMP WITH TIME ZONE", pa.timestamp("us", "UTC"), bounds=_MICROSECONDS
    ),
    "interval": ColumnType("INTERVAL", pa.month_day_nano_interval()),
    "uuid": ColumnType("UUID", pa.uuid()),
}
"""What a column of each type holds; what is not here is given to DuckDB as text to read."""


def held_by(kind: Any) -> ColumnType:
    """Return what a column of a type of DuckDB's (a `DuckDBPyType`) holds."""
    name = str(kind)
    if kind.id == "decimal":
        (_, precision), (_, scale) = kind.children
        return ColumnType(name, pa.decimal128(precision, scale))
    if kind.id == "list":
        element = held_by(kind.children[0][1])
        if element.parsed:
            return ColumnType(name, pa.string(), parsed=True)
        return ColumnType(name, pa.list_(element.arrow), element=element)
    if kind.id in {"struct", "map"}:
        return _nested(name, kind)
    found = _HELD["json"] if name == "JSON" else _HELD.get(kind.id)
    return found or ColumnType(name, pa.string(), parsed=True)


def _nested(name: str, kind: Any) -> ColumnType:
    parts = [(part, held_by(inner)) for part, inner in kind.children]
    if any(held.parsed for _, held in parts):
        return ColumnType(name, pa.string(), parsed=True)
    if kind.id == "map":
        (_, key), (_, item) = parts
        return ColumnType(name, pa.map_(key.arrow, item.arrow))
    return ColumnType(name, pa.struct([(part, held.arrow) for part, held in parts]))


class DuckDBDialect:
    """DuckDB as a `Dialect`: names that differ only in case are one, types are those above."""

    def column_type(self, arrow: pa.DataType) -> ColumnType:
        """Return the type of a new column that holds an Arrow type exactly."""
        plain, kind = plain_type(arrow), kind_of(arrow)
        if kind == "list":
            element = self.column_type(plain.value_type)
            return ColumnType(f"{element.name}[]", pa.list_(element.arrow), element=element)
        if kind == "nested":
            return self._nested(plain)
        if kind == "decimal":
            return self._decimal(plain)
        name = _CREATED.get(str(plain)) or _CREATED.get(kind)
        if name is None:
            raise _no_type(arrow)
        return _HELD[name.lower()]

    def _nested(self, plain: pa.DataType) -> ColumnType:
        if pa.types.is_map(plain):
            key, item = self.column_type(plain.key_type), self.column_type(plain.item_type)
            return ColumnType(f"MAP({key.name}, {item.name})", pa.map_(key.arrow, item.arrow))
        if not pa.types.is_struct(plain) or not plain.num_fields:
            raise _no_type(plain)
        parts = [(field.name, self.column_type(field.type)) for field in plain]
        inner = ", ".join(f"{identifier(name)} {held.name}" for name, held in parts)
        arrow = pa.struct([(name, held.arrow) for name, held in parts])
        return ColumnType(f"STRUCT({inner})", arrow)

    def _decimal(self, plain: pa.DataType) -> ColumnType:
        scale = max(plain.scale, 0)
        precision = max(plain.precision - min(plain.scale, 0), scale)
        arrow = decimal_type(precision, scale)
        if arrow is None or precision > _MOST_DIGITS:
            raise _no_type(plain)
        return ColumnType(f"DECIMAL({precision},{scale})", arrow)

    def fold(self, name: str) -> str:
        """Return the name without its case."""
        return name.casefold()

    def check_names(self, names: Any) -> None:
        """Raise `ConfigError` for a name that DuckDB cannot have."""
        for name in names:
            if not name or "\0" in name:
                raise ConfigError(
                    f"{name!r} cannot be a name in DuckDB",
                    hint="give the column another name (SQL: `AS`)",
                )


def _no_type(arrow: pa.DataType) -> DataError:
    return DataError(
        f"DuckDB has no type for Arrow's {arrow}", hint="convert the column in the query"
    )

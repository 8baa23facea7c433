"""The type of a MySQL column for each Arrow type, and what a column that is there can hold.

| Arrow type | new column |
|---|---|
| bool, int8 … int64, uint8 … uint64 | TINYINT(1), TINYINT … BIGINT, UNSIGNED |
| float16, float32; float64 | FLOAT; DOUBLE |
| decimal | DECIMAL of the same digits, 65 and 30 after the point at most |
| string, null; binary | LONGTEXT; LONGBLOB |
| date | DATE |
| timestamp | DATETIME(6); one with a zone as UTC |
| time; duration | TIME(6) |
| list, struct, map, JSON; UUID | JSON; CHAR(36) |
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from osiris.core.errors import DataError
from osiris.drivers.relational.column_type import ColumnType
from osiris.drivers.relational.plain_type import is_list, plain_type

DIGITS_MOST: Final = 65
SCALE_MOST: Final = 30
LONGEST: Final = 0xFFFFFFFF
"""Bytes of a LONGTEXT, which count as no limit."""

_DATES: Final = (-719_528, 2_932_896)
"""Days since 1970 of 0000-01-01 and 9999-12-31."""
_DAY: Final = 86_400_000_000
_DATETIMES: Final = (_DATES[0] * _DAY, (_DATES[1] + 1) * _DAY - 1)
_TIMESTAMPS: Final = (1_000_000, 0x7FFFFFFF * 1_000_000 + 999_999)
_TIMES: Final = (1 - 839 * 3600 * 1_000_000, 839 * 3600 * 1_000_000 - 1)
_MEDIUM: Final = {False: (-(1 << 23), (1 << 23) - 1), True: (0, (1 << 24) - 1)}
_ZONED: Final = pa.timestamp("us", "UTC")
_NAIVE: Final = pa.timestamp("us")

DATE: Final = ColumnType("date", pa.date32(), bounds=_DATES)
_NEW: Final[dict[pa.DataType, ColumnType]] = {
    pa.bool_(): ColumnType("tinyint(1)", pa.int8()),
    pa.int8(): ColumnType("tinyint", pa.int8()),
    pa.int16(): ColumnType("smallint", pa.int16()),
    pa.int32(): ColumnType("int", pa.int32()),
    pa.int64(): ColumnType("bigint", pa.int64()),
    pa.uint8(): ColumnType("tinyint unsigned", pa.uint8()),
    pa.uint16(): ColumnType("smallint unsigned", pa.uint16()),
    pa.uint32(): ColumnType("int unsigned", pa.uint32()),
    pa.uint64(): ColumnType("bigint unsigned", pa.uint64()),
    pa.float32(): ColumnType("float", pa.float32()),
    pa.float64(): ColumnType("double", pa.float64()),
    pa.string(): ColumnType("longtext", pa.string()),
    pa.null(): ColumnType("longtext", pa.string()),
    pa.binary(): ColumnType("longblob", pa.binary()),
    pa.date32(): DATE,
    pa.time64("us"): ColumnType("time(6)", pa.time64("us")),
    pa.json_(): ColumnType("json", pa.json_()),
    pa.uuid(): ColumnType("char(36)", pa.string(), length=36),
}


def new_type(arrow: pa.DataType) -> ColumnType:
    """Return the type of a new column that holds every value of a plain Arrow type exactly.

    Dates and times of other years and longer than MySQL has are refused value by value. Raises
    `DataError` where there is no such type.
    """
    kind = plain_type(arrow)
    if kind in _NEW:
        return _NEW[kind]
    if pa.types.is_time(kind):
        return _NEW[pa.time64("us")]
    if pa.types.is_timestamp(kind):
        return ColumnType("datetime(6)", _ZONED if kind.tz else _NAIVE, bounds=_DATETIMES)
    if pa.types.is_duration(kind):
        return ColumnType("time(6)", pa.duration("us"), bounds=_TIMES)
    if is_list(kind) or pa.types.is_nested(kind):
        return _NEW[pa.json_()]
    if pa.types.is_decimal(kind):
        return _new_decimal(kind)
    raise DataError(
        f"MySQL has no type for the values of Arrow {arrow}",
        hint="convert the column in the query (SQL: CAST … AS VARCHAR)",
    )


def _new_decimal(kind: pa.DataType) -> ColumnType:
    precision, scale = max(kind.precision, kind.scale), kind.scale
    if scale < 0:
        precision, scale = precision - scale, 0
    if precision > DIGITS_MOST or scale > SCALE_MOST:
        raise DataError(
            f"MySQL has no type for the values of Arrow {kind}: its DECIMAL has {DIGITS_MOST} "
            f"digits, {SCALE_MOST} of them after the point, at most",
            hint=f"convert the column in the query (SQL: CAST … AS DECIMAL(38, {SCALE_MOST}))",
        )
    return ColumnType(f"decimal({precision},{scale})", _decimal(precision, scale))


def _decimal(precision: int, scale: int) -> pa.DataType:
    wide = precision > 38  # noqa: PLR2004 - digits that fit into 128 bits
    return pa.decimal256(precision, scale) if wide else pa.decimal128(precision, scale)


@dataclass(frozen=True)
class ColumnFacts:
    """What information_schema.COLUMNS says of a column's type, and what is to come into it.

    Attributes:
        kind: DATA_TYPE, such as `int`.
        full: COLUMN_TYPE, such as `int(10) unsigned`.
        length: CHARACTER_MAXIMUM_LENGTH, characters of CHAR and VARCHAR, else bytes.
        precision: NUMERIC_PRECISION.
        scale: NUMERIC_SCALE.
        fraction: DATETIME_PRECISION.
        source: Arrow type of the input's column of this name, None when there is none: a DATETIME
            takes times with a zone as UTC and without one as they are, a TIME durations and times.

    """

    kind: str
    full: str
    length: int | None
    precision: int | None
    scale: int | None
    fraction: int | None
    source: pa.DataType | None

    @property
    def unsigned(self) -> bool:
        """Whether it takes no negative numbers."""
        return "unsigned" in self.full


def existing_type(facts: ColumnFacts) -> ColumnType:
    """Return what a column of a table can hold; of an unknown type, what text the server takes."""
    made = _EXISTING.get(facts.kind)
    return made(facts) if made else ColumnType(facts.full, pa.string(), parsed=True)


_SIGNED: Final = {
    "tinyint": (pa.int8(), pa.uint8()),
    "smallint": (pa.int16(), pa.uint16()),
    "mediumint": (pa.int32(), pa.uint32()),
    "int": (pa.int32(), pa.uint32()),
    "bigint": (pa.int64(), pa.uint64()),
}


def _integer(facts: ColumnFacts) -> ColumnType:
    arrow = _SIGNED[facts.kind][facts.unsigned]
    bounds = _MEDIUM[facts.unsigned] if facts.kind == "mediumint" else None
    return ColumnType(facts.full, arrow, bounds=bounds)


def _year(facts: ColumnFacts) -> ColumnType:
    return ColumnType(facts.full, pa.uint16(), bounds=(0, 2155))


def _exact(facts: ColumnFacts) -> ColumnType:
    return ColumnType(facts.full, _decimal(facts.precision or 10, facts.scale or 0))


def _float(facts: ColumnFacts) -> ColumnType:
    if "(" in facts.full:  # FLOAT(7,2) rounds to so many digits, as a decimal would
        return _exact(facts)
    return ColumnType(facts.full, pa.float32() if facts.kind == "float" else pa.float64())


def _text(facts: ColumnFacts) -> ColumnType:
    unlimited = facts.length is None or facts.length >= LONGEST
    return ColumnType(facts.full, pa.string(), length=None if unlimited else facts.length)


def _bytes(facts: ColumnFacts) -> ColumnType:
    unlimited = facts.length is None or facts.length >= LONGEST
    return ColumnType(facts.full, pa.binary(), length=None if unlimited else facts.length)


def _bits(facts: ColumnFacts) -> ColumnType:
    return ColumnType(facts.full, pa.binary(), length=((facts.precision or 1) + 7) // 8)


def _timestamp(facts: ColumnFacts) -> ColumnType:
    bounds = _TIMESTAMPS if facts.kind == "timestamp" else _DATETIMES
    zoned = facts.source is not None and getattr(facts.source, "tz", None) is not None
    arrow = _ZONED if zoned else _NAIVE
    return ColumnType(facts.full, arrow, fraction=facts.fraction or 0, bounds=bounds)


def _time(facts: ColumnFacts) -> ColumnType:
    if facts.source is not None and pa.types.is_time(facts.source):
        return ColumnType(facts.full, pa.time64("us"), fraction=facts.fraction or 0)
    return ColumnType(facts.full, pa.duration("us"), fraction=facts.fraction or 0, bounds=_TIMES)


def _listed(facts: ColumnFacts) -> ColumnType:
    return ColumnType(facts.full, pa.string(), length=facts.length)


_EXISTING: Final[dict[str, Callable[[ColumnFacts], ColumnType]]] = {
    **dict.fromkeys(_SIGNED, _integer),
    **dict.fromkeys(("decimal", "numeric"), _exact),
    **dict.fromkeys(("float", "double"), _float),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), _text),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), _bytes),
    **dict.fromkeys(
        (
            "geometry",
            "point",
            "linestring",
            "polygon",
            "multipoint",
            "multilinestring",
            "multipolygon",
            "geometrycollection",
            "geomcollection",
            "vector",
        ),
        lambda facts: ColumnType(facts.full, pa.binary()),
    ),
    **dict.fromkeys(("datetime", "timestamp"), _timestamp),
    **dict.fromkeys(("enum", "set"), _listed),
    "bit": _bits,
    "date": lambda _: DATE,
    "json": lambda facts: ColumnType(facts.full, pa.json_()),
    "time": _time,
    "year": _year,
}

_MEMBER: Final = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPED: Final = re.compile(r"''|\\(.)", re.DOTALL)
_CONTROL: Final = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "b": "\b"}


def members(full: str) -> list[str]:
    """Return the members of an ENUM or SET from its COLUMN_TYPE."""
    return [
        _ESCAPED.sub(lambda found: "'" if not found[1] else _CONTROL.get(found[1], found[1]), text)
        for text in _MEMBER.findall(full)
    ]

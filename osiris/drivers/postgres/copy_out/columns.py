"""From a column the server describes to its Arrow field, its decoder and what is asked for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from osiris.core.errors import ConfigError
from osiris.drivers.postgres.copy_out.cells import Cells, Decoded, Decoder, fixed_array
from osiris.drivers.postgres.copy_out.lists import list_decoder
from osiris.drivers.postgres.copy_out.numeric import (
    DIGITS_256,
    decimal_type,
    money_decoder,
    money_type,
    numeric_decoder,
)
from osiris.drivers.postgres.copy_out.temporal import (
    decode_date,
    decode_interval,
    decode_time,
    decode_timestamp,
    decode_timestamptz,
)
from osiris.drivers.postgres.copy_out.texts import (
    decode_bool,
    decode_bytes,
    decode_jsonb,
    decode_text,
    decode_uuid,
)
from osiris.drivers.postgres.wire.messages import FieldDescription

Option = Literal["infinite_dates", "numeric_nan"]

# Numbers of types, the same on every server: src/include/catalog/pg_type.dat.
NUMERIC: Final = 1700
MONEY: Final = 790
INET: Final = 869


@dataclass(frozen=True)
class Column:
    """One column of a result.

    Attributes:
        name: its name.
        type: its Arrow type.
        decode: what decodes its cells.
        asked: the SQL that is asked for it, of `{}`, the column.
        option: the option of the extractor that decides on values no Arrow value stands for.

    """

    name: str
    type: pa.DataType
    decode: Decoder
    asked: str = "{}"
    option: Option | None = None


@dataclass(frozen=True)
class TypeInfo:
    """What the catalog says about a type: whether it is an enum, or an array of what."""

    enum: bool
    element: int | None = None
    element_modifier: int = -1
    element_enum: bool = False


@dataclass(frozen=True)
class _Reading:
    """How one type is read; a column of it gets its name and is this besides."""

    type: pa.DataType
    decode: Decoder
    option: Option | None = None


def _fixed(code: str, kind: pa.DataType) -> _Reading:
    size = np.dtype(code).itemsize

    def decode(cells: Cells) -> Decoded:
        cells.must_have(size)
        return Decoded(fixed_array(cells.words(f"u{size}"), kind, cells.null))

    return _Reading(kind, decode)


_TEXT: Final = _Reading(pa.string(), decode_text)
_DATES: Final = "infinite_dates"

_READINGS: Final[Mapping[int, _Reading]] = {
    16: _Reading(pa.bool_(), decode_bool),
    17: _Reading(pa.binary(), decode_bytes),
    19: _TEXT,  # name
    20: _fixed("i8", pa.int64()),
    21: _fixed("i2", pa.int16()),
    23: _fixed("i4", pa.int32()),
    25: _TEXT,
    26: _fixed("u4", pa.uint32()),  # oid
    114: _TEXT,  # json
    700: _fixed("f4", pa.float32()),
    701: _fixed("f8", pa.float64()),
    1042: _TEXT,  # char(n), with the spaces it is filled up with
    1043: _TEXT,
    1082: _Reading(pa.date32(), decode_date, _DATES),
    1083: _Reading(pa.time64("us"), decode_time, _DATES),
    1114: _Reading(pa.timestamp("us"), decode_timestamp, _DATES),
    1184: _Reading(pa.timestamp("us", "UTC"), decode_timestamptz, _DATES),
    1186: _Reading(pa.month_day_nano_interval(), decode_interval, _DATES),
    2950: _Reading(pa.string(), decode_uuid),
    3802: _Reading(pa.string(), decode_jsonb),
}

# As text(inet) adds a mask that the value has not, the type's own output is taken.
_ASKED: Final = {INET: "pg_catalog.textin(pg_catalog.inet_out({}))"}
_AS_TEXT: Final = "CAST({} AS pg_catalog.text)"
_AS_TEXTS: Final = "CAST({} AS pg_catalog.text[])"


def unknown_types(fields: Sequence[FieldDescription]) -> list[int]:
    """Return the numbers of the types that only the catalog can tell more about."""
    known = _READINGS.keys() | {NUMERIC, MONEY, INET}
    return sorted({field.type_oid for field in fields} - known)


def columns_of(
    fields: Sequence[FieldDescription], types: Mapping[int, TypeInfo], money_scale: int
) -> list[Column]:
    """Return the columns of a result.

    `types` is what the catalog says of the types in `unknown_types`. Raises `ConfigError` for no
    column, and when two have the same name.
    """
    if not fields:
        raise ConfigError(
            "the query returns no columns, so its rows cannot be told from one another",
            hint="name at least one column",
        )
    names = [field.name for field in fields]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigError(
            f"the query returns more than one column named {', '.join(map(repr, repeated))}",
            hint="give every column its own name: SELECT a.id AS a_id, b.id AS b_id …",
        )
    return [_column(field, types.get(field.type_oid), money_scale) for field in fields]


def _column(field: FieldDescription, info: TypeInfo | None, money_scale: int) -> Column:
    if info is not None and info.element is not None:
        return _list_column(field, info, money_scale)
    enum = info is not None and info.enum
    reading = _reading(field.type_oid, field.modifier, money_scale, enum=enum)
    if reading is None:
        asked = _ASKED.get(field.type_oid, _AS_TEXT)
        return Column(field.name, pa.string(), decode_text, asked)
    return Column(field.name, reading.type, reading.decode, option=reading.option)


def _list_column(field: FieldDescription, info: TypeInfo, money_scale: int) -> Column:
    modifier = field.modifier if info.element_modifier < 0 else info.element_modifier
    element = _reading(info.element or 0, modifier, money_scale, enum=info.element_enum)
    asked = "{}" if element else _AS_TEXTS
    element = element or _TEXT
    kind = pa.list_(element.type)
    return Column(field.name, kind, list_decoder(element.decode, kind), asked, element.option)


def _reading(type_oid: int, modifier: int, money_scale: int, *, enum: bool) -> _Reading | None:
    """Return how a type is read; None for one that is asked for as a text."""
    if enum:
        return _TEXT
    if type_oid == MONEY:
        return _Reading(money_type(money_scale), money_decoder(money_scale))
    if type_oid == NUMERIC:
        kind = _declared(modifier)
        return kind and _Reading(kind, numeric_decoder(kind), "numeric_nan")
    return _READINGS.get(type_oid)


def _declared(modifier: int) -> pa.DataType | None:
    """Return the type for a numeric's modifier; None when nothing, or too much, is declared."""
    if modifier < 0:
        return None
    packed = modifier - 4
    precision, scale = packed >> 16 & 0xFFFF, (packed & 0x7FF ^ 0x400) - 0x400
    # From PostgreSQL 15 on a scale may be negative, or greater than the precision.
    precision, scale = max(precision - min(scale, 0), scale), max(scale, 0)
    return decimal_type(precision, scale) if precision <= DIGITS_256 else None

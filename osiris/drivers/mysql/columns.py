"""From a column the server describes to its Arrow field and its decoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from osiris.core.errors import ConfigError
from osiris.drivers.mysql.cells import (
    Cells,
    Decoded,
    UnreadableValueError,
    converted,
    copied,
    fixed_array,
    texts,
    unaligned,
    validity,
)
from osiris.drivers.mysql.decimals import decode_decimals
from osiris.drivers.mysql.protocol import ColumnDefinition
from osiris.drivers.mysql.temporal import decode_date, decode_datetime, decode_time

Decoder = Callable[[Cells], Decoded]

# enum_field_types, https://dev.mysql.com/doc/dev/mysql-server/latest/field__types_8h.html
DECIMAL, TINY, SHORT, LONG, FLOAT, DOUBLE, NULL, TIMESTAMP, LONGLONG, INT24 = range(10)
DATE, TIME, DATETIME, YEAR, NEWDATE, VARCHAR, BIT = range(10, 17)
VECTOR, JSON, NEWDECIMAL = 242, 245, 246
STRINGS: Final = frozenset({VARCHAR, *range(247, 255)})  # ENUM, SET, BLOBs, VAR_STRING, STRING
GEOMETRY: Final = 255

UNSIGNED: Final = 0x20
BINARY_CHARSET: Final = 63

_DIGITS_MOST: Final = 65  # of a DECIMAL
_DIGITS_128: Final = 38  # that fit into Arrow's decimal128

_INTEGER_BYTES: Final = {TINY: 1, SHORT: 2, YEAR: 2, INT24: 4, LONG: 4, LONGLONG: 8}
_FIXED: Final = {
    "<i1": pa.int8(),
    "<u1": pa.uint8(),
    "<i2": pa.int16(),
    "<u2": pa.uint16(),
    "<i4": pa.int32(),
    "<u4": pa.uint32(),
    "<i8": pa.int64(),
    "<u8": pa.uint64(),
    "<f4": pa.float32(),
    "<f8": pa.float64(),
}


@dataclass(frozen=True)
class Column:
    """One column of a result: its name, its Arrow type and what decodes its cells."""

    name: str
    type: pa.DataType
    decode: Decoder


def columns_of(
    definitions: Sequence[ColumnDefinition], *, tinyint1: Literal["int8", "bool"]
) -> list[Column]:
    """Return the columns of a result.

    Raises `ConfigError` when two have the same name or one has a type that is not known.
    """
    names = [definition.name for definition in definitions]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ConfigError(
            f"the query returns more than one column named {', '.join(map(repr, repeated))}",
            hint="give every column its own name: SELECT a.id AS a_id, b.id AS b_id …",
        )
    return [_column(definition, as_bool=tinyint1 == "bool") for definition in definitions]


def _column(definition: ColumnDefinition, *, as_bool: bool) -> Column:
    code, name = definition.type_code, definition.name
    if code in _INTEGER_BYTES:
        return _integer(definition, as_bool=as_bool)
    if code in {DECIMAL, NEWDECIMAL}:
        kind = _decimal(definition)
        return Column(name, kind, partial(decode_decimals, kind=kind))
    if code in STRINGS:
        kind = pa.binary() if definition.charset == BINARY_CHARSET else pa.string()
        return Column(name, kind, _text_decoder(kind))
    if code in _SIMPLE:
        return Column(name, *_SIMPLE[code])
    raise ConfigError(
        f"column {name!r} has a type that is not known here (number {code})",
        hint=f"convert it in the query: CAST({name} AS CHAR)",
    )


def _integer(definition: ColumnDefinition, *, as_bool: bool) -> Column:
    size = _INTEGER_BYTES[definition.type_code]
    unsigned = definition.flags & UNSIGNED or definition.type_code == YEAR
    if as_bool and definition.type_code == TINY and definition.length == 1 and not unsigned:
        return Column(definition.name, pa.bool_(), decode_bool)
    code = f"<{'u' if unsigned else 'i'}{size}"
    return Column(definition.name, _FIXED[code], _fixed_decoder(code))


def _decimal(definition: ColumnDefinition) -> pa.DataType:
    """Return the type for a width that counts the digits, a point and, when signed, a sign."""
    scale = definition.decimals
    precision = definition.length - (scale > 0) - (not definition.flags & UNSIGNED)
    precision = min(max(precision, scale, 1), _DIGITS_MOST)
    wide = precision > _DIGITS_128
    return pa.decimal256(precision, scale) if wide else pa.decimal128(precision, scale)


def _fixed_decoder(code: str) -> Decoder:
    kind, size = _FIXED[code], np.dtype(code).itemsize

    def decode(cells: Cells) -> Decoded:
        return Decoded(fixed_array(unaligned(cells.data, code, cells.at), kind, cells.null), size)

    return decode


def _text_decoder(kind: pa.DataType) -> Decoder:
    def decode(cells: Cells) -> Decoded:
        begin, end = texts(cells)
        values = copied(cells.data, begin, end, cells.null)
        return Decoded(converted(values, kind), end - cells.at)

    return decode


def decode_bool(cells: Cells) -> Decoded:
    """Decode TINYINT(1) into bool; any value but 0 and 1 raises `UnreadableValueError`."""
    values = cells.data[cells.at]
    if cells.null is not None:
        values[cells.null] = 0
    if values.max(initial=0) > 1:
        other = int(values[values > 1][0].view(np.int8))
        raise UnreadableValueError(f"holds {other}, which is neither 0 nor 1")
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    return Decoded(pa.Array.from_buffers(pa.bool_(), len(values), [validity(cells.null), bits]), 1)


def _decode_null(cells: Cells) -> Decoded:
    if cells.null is None or not cells.null.all():
        raise UnreadableValueError("of type NULL holds a value")
    return Decoded(pa.nulls(len(cells.at)), 0)


_SIMPLE: Final[dict[int, tuple[pa.DataType, Decoder]]] = {
    FLOAT: (pa.float32(), _fixed_decoder("<f4")),
    DOUBLE: (pa.float64(), _fixed_decoder("<f8")),
    NULL: (pa.null(), _decode_null),
    DATE: (pa.date32(), decode_date),
    NEWDATE: (pa.date32(), decode_date),
    DATETIME: (pa.timestamp("us"), decode_datetime),
    TIMESTAMP: (pa.timestamp("us"), decode_datetime),
    TIME: (pa.duration("us"), decode_time),
    BIT: (pa.binary(), _text_decoder(pa.binary())),
    GEOMETRY: (pa.binary(), _text_decoder(pa.binary())),
    VECTOR: (pa.binary(), _text_decoder(pa.binary())),
    JSON: (pa.string(), _text_decoder(pa.string())),
}

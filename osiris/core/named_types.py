"""The Arrow types behind the canonical names of column types (`components.column_type`)."""

import re

import pyarrow as pa

_ARROW = {
    "string": pa.string(),
    "binary": pa.binary(),
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "utinyint": pa.uint8(),
    "usmallint": pa.uint16(),
    "uinteger": pa.uint32(),
    "ubigint": pa.uint64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_MOST_DIGITS = 38
"""Digits of a decimal of 128 bits."""


def arrow_type(name: str) -> pa.DataType:
    """Return the Arrow type of a canonical name: a decimal of more than 38 digits has 256 bits."""
    found = _DECIMAL.fullmatch(name)
    if found is None:
        return _ARROW[name]
    precision, scale = int(found[1]), int(found[2])
    decimal = pa.decimal128 if precision <= _MOST_DIGITS else pa.decimal256
    return decimal(precision, scale)

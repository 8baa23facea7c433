"""The names of column types that a person writes in a pipeline, and their canonical form."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_SYNONYMS: dict[str, tuple[str, ...]] = {
    "string": ("text", "varchar", "str", "char"),
    "boolean": ("bool",),
    "tinyint": ("int8",),
    "smallint": ("int16",),
    "integer": ("int", "int32"),
    "bigint": ("int64", "long"),
    "utinyint": ("uint8",),
    "usmallint": ("uint16",),
    "uinteger": ("uint", "uint32"),
    "ubigint": ("uint64",),
    "float": ("real", "float32"),
    "double": ("float64", "double precision"),
    "date": ("date32",),
    "time": ("time64",),
    "timestamp": ("datetime",),
    "timestamptz": ("timestamp with time zone",),
}
_CANONICAL = {name: kind for kind, names in _SYNONYMS.items() for name in (kind, *names)}
_DECIMAL = re.compile(r"(?:decimal|numeric)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
MAX_PRECISION = 38
"""Digits that a decimal column can have."""

COLUMN_TYPES = (*_SYNONYMS, "decimal(p,s)")
"""The canonical names, as messages and documents list them."""


def canonical_type(name: str) -> str:
    """Return the canonical name of a column type; raise `ValueError` for an unknown one.

    `"INT"` gives `"integer"`, `"Numeric(12, 2)"` gives `"decimal(12,2)"`.
    """
    text = " ".join(name.lower().split())
    if text in _CANONICAL:
        return _CANONICAL[text]
    if match := _DECIMAL.fullmatch(text):
        precision, scale = int(match[1]), int(match[2] or 0)
        if not 1 <= precision <= MAX_PRECISION or scale > precision:
            raise ValueError(f"{name!r}: a decimal has 1 to {MAX_PRECISION} digits, scale included")
        return f"decimal({precision},{scale})"
    if text in {"decimal", "numeric"}:
        raise ValueError(
            f"{name!r} needs its digits: decimal(12,2) has 12 digits, 2 after the point"
        )
    raise ValueError(f"{name!r} is no column type; the types are {', '.join(COLUMN_TYPES)}")


ColumnType = Annotated[
    str,
    AfterValidator(canonical_type),
    Field(description=f"One of {', '.join(COLUMN_TYPES)}."),
]

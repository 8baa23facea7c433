"""Guessing a column's type from the head of a file, so that no value loses anything.

A type is taken when every value of the head, that is not NULL, is written in its plain form: no
leading zeros, no exponent, ISO 8601. Otherwise the column is a string. A later value that does not
fit is an error, never a NULL.
"""

from collections.abc import Sequence
from typing import Any

from osiris.drivers.duckdb.connection import identifier

_HEAD_ROWS = 10_000
_INT = "-?(0|[1-9][0-9]{0,17})"
_DECIMAL = "-?(0|[1-9][0-9]*)([.][0-9]+)?"
_DOUBLE = "-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?"
_DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIMESTAMP = _DATE + "[ T][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?"
_PATTERNS = (
    ("bigint", _INT),
    ("boolean", "true|false"),
    ("decimal", _DECIMAL),
    ("double", _DOUBLE),
    ("date", _DATE),
    ("timestamp", _TIMESTAMP),
)
_SHORT, _LONG = 18, 38


def infer_types(connection: Any, text_scan: str, names: Sequence[str]) -> dict[str, str]:
    """Return a canonical type for each of the columns, from the first rows of a scan of texts.

    `text_scan` is a SELECT that reads every column as text.
    """
    if not names:
        return {}
    tests = ", ".join(_tests(name) for name in names)
    head = f"SELECT {tests} FROM ({text_scan} LIMIT {_HEAD_ROWS})"
    row = connection.execute(head).fetchone()
    width = len(_PATTERNS) + 2
    return {name: _choose(row[i * width : (i + 1) * width]) for i, name in enumerate(names)}


def _tests(name: str) -> str:
    cell = identifier(name)
    flags = [f"bool_and(regexp_full_match({cell}, '{pattern}'))" for _, pattern in _PATTERNS]
    whole = f"max(strlen(ltrim(split_part({cell}, '.', 1), '-')))"
    behind = f"max(strlen(split_part({cell}, '.', 2)))"
    return ", ".join([*flags, whole, behind])


def _choose(row: Sequence[Any]) -> str:
    *flags, whole, behind = row
    for (kind, _), matches in zip(_PATTERNS, flags, strict=True):
        if not matches:
            continue
        if kind != "decimal":
            return kind
        digits = whole + behind
        if digits <= _LONG:
            # Room for larger values further down, as much as costs nothing.
            return f"decimal({_SHORT if digits <= _SHORT else _LONG},{behind})"
    return "string"

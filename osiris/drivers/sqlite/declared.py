"""The types that SQLite's columns are read in, from those they declare and the values they hold.

| declared type | read as |
|---|---|
| contains INT (INTEGER, BIGINT, UNSIGNED BIG INT) | bigint: SQLite stores no larger integer |
| BOOL, BOOLEAN | boolean |
| contains CHAR, CLOB or TEXT; JSON, UUID | string |
| BLOB, BINARY, VARBINARY(n) | binary |
| contains REAL, FLOA or DOUB; NUMERIC, NUMBER or DECIMAL alone | double |
| DECIMAL(p, s), NUMERIC(p, s) up to 76 digits | decimal(p, s) |
| DATE · TIME · DATETIME, TIMESTAMP | date · time · timestamp, from ISO 8601 texts |
| nothing (an expression), or another name | bigint, double, string or binary, as the values |
"""

import re

_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC|NUMBER)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_SIZE = re.compile(r"\s*\(.*\)\s*$", re.DOTALL)
_EXACT = {
    "BOOL": "boolean",
    "BOOLEAN": "boolean",
    "JSON": "string",
    "UUID": "string",
    "BLOB": "binary",
    "BINARY": "binary",
    "VARBINARY": "binary",
    "NUMERIC": "double",
    "NUMBER": "double",
    "DECIMAL": "double",
    "DATE": "date",
    "TIME": "time",
    "DATETIME": "timestamp",
    "TIMESTAMP": "timestamp",
}
_CONTAINED = (
    (("INT",), "bigint"),
    (("CHAR", "CLOB", "TEXT"), "string"),
    (("BLOB",), "binary"),
    (("REAL", "FLOA", "DOUB"), "double"),
)
_MOST_DIGITS = 76


def type_of(declared: str) -> str | None:
    """Return the canonical type of a declared one; None when the values must tell."""
    text = " ".join(declared.upper().split())
    if found := _DECIMAL.fullmatch(text):
        precision, scale = int(found[1]), int(found[2] or 0)
        if 1 <= precision <= _MOST_DIGITS and scale <= precision:
            return f"decimal({precision},{scale})"
    bare = _SIZE.sub("", text)
    if bare in _EXACT:
        return _EXACT[bare]
    return next((kind for marks, kind in _CONTAINED if any(m in bare for m in marks)), None)


def type_of_values(values: list[object]) -> str | None:
    """Return the type that holds all of some values; None when they are of several kinds.

    Nothing but NULL is a string.
    """
    kinds = {type(value) for value in values} - {type(None)}
    if kinds == {int, float}:
        return "double"
    if len(kinds) > 1:
        return None
    return {int: "bigint", float: "double", bytes: "binary"}.get(next(iter(kinds), str), "string")

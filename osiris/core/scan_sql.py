"""Writing names, texts and paths into the SQL of a `core.stream.Scan`, which DuckDB reads."""

_GLOB = str.maketrans({mark: f"[{mark}]" for mark in "*?["})


def literal(text: str) -> str:
    """Return a text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def path_literal(path: str) -> str:
    """Return a path as an SQL string literal that matches this file only."""
    return literal(path.translate(_GLOB))

"""The SELECT that reads a table, held against what the database has."""

import sqlite3
from collections.abc import Sequence

from osiris.core.errors import ConfigError
from osiris.core.scan_sql import identifier


def table_query(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> str:
    """Return the query for a table or view.

    Its names are looked up first: to SQLite a quoted name that it does not know is a text. Raises
    `ConfigError` for a table or column that is not there.
    """
    known = [
        str(name)
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
        )
    ]
    if table.casefold() not in {name.casefold() for name in known}:
        raise ConfigError(
            f"there is no table {table!r}", hint=f"the database has {', '.join(known) or 'none'}"
        )
    rows = connection.execute(f"PRAGMA table_xinfo({identifier(table)})").fetchall()
    # Hidden columns of virtual tables (1) are not among those of SELECT *.
    names = [str(row[1]) for row in rows if row[6] != 1]
    missing = [name for name in columns if name not in names]
    if missing:
        raise ConfigError(
            f"table {table!r} has no column {', '.join(map(repr, missing))}",
            hint=f"its columns are {', '.join(names)}",
        )
    selected = ", ".join(identifier(name) for name in columns or names)
    return f"SELECT {selected} FROM {identifier(table)}"

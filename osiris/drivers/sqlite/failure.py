"""From SQLite's errors to ours."""

import sqlite3

from osiris.core.errors import (
    ConfigError,
    DataError,
    DiskFullError,
    StepError,
    SystemStepError,
    TransientStepError,
)

_WAITS = {"SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL"}
_SYSTEM = {"SQLITE_IOERR", "SQLITE_NOMEM", "SQLITE_NOLFS", "SQLITE_INTERRUPT"}
_BROKEN = {"SQLITE_NOTADB", "SQLITE_CORRUPT"}


def failure(error: sqlite3.Error, path: str) -> StepError:
    """Return what an error of SQLite means for the step that reads the file at `path`."""
    name = primary_name(error)
    text = f"{path}: {error}"
    if name in _WAITS:
        return TransientStepError(
            text, hint="another program has it locked; raise `busy_timeout`, or give a `retry`"
        )
    if name in _BROKEN:
        return DataError(text, hint="this is no SQLite database, or a damaged or encrypted one")
    if name == "SQLITE_FULL":
        return DiskFullError(text, hint="the query puts on disk what it sorts")
    if name in _SYSTEM:
        return SystemStepError(text)
    if name in {"SQLITE_TOOBIG", "SQLITE_MISMATCH"}:
        return DataError(text)
    return ConfigError(text, hint="correct the step's `query`, `table` or `path`")


def primary_name(error: sqlite3.Error) -> str:
    """Return SQLite's name of an error without what follows its second word: SQLITE_IOERR."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return "_".join(name.split("_")[:2])

"""Opening a DuckDB database file: to read it, or to write into it."""

import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb

from osiris.core.cancel import CancelToken
from osiris.core.errors import (
    ConfigError,
    DataError,
    DiskFullError,
    StepError,
    SystemStepError,
    TransientStepError,
)
from osiris.core.source_files import SourceFile

_PAUSE = 0.1
"""Seconds between two tries to open a file that somebody else has open."""

_LOCKED = "Could not set lock on file"
_SHARED = "same database file with a different configuration"
_FULL = ("No space left", "Disk quota exceeded", "File too large")


def open_reading(file: SourceFile, *, spill_dir: Path, memory_limit: str) -> Any:
    """Return a read-only connection to the database; its SQL reaches no other file, no network.

    Raises `ConfigError` when another step of the run writes into the file, `TransientStepError`
    when another program does, `DataError` for a file that is no database.
    """
    path = file.path.resolve()
    try:
        return _opened(path, spill_dir, memory_limit, read_only=True)
    except duckdb.Error as error:
        if _SHARED in str(error):
            raise ConfigError(
                f"{file.name} is opened otherwise by another step of this run",
                hint="write and read a database file in two runs, or give both steps the same "
                "`memory_limit` where both read",
            ) from error
        raise _failure(error, path, file.name) from error


class _Writers:
    """The files that steps of this process write into, and those of them that were made here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: Counter[Path] = Counter()
        self._made: set[Path] = set()

    def enter(self, path: Path) -> None:
        """Note that one more step writes into the file."""
        with self._lock:
            self._open[path] += 1
            if not path.exists():
                self._made.add(path)

    def leave(self, path: Path, connection: Any) -> None:
        """Close a step's connection; remove a file that was made here and got no table."""
        with self._lock:
            self._open[path] -= 1
            last = not self._open[path]
            # Without a connection it is somebody else's file, made in the meantime.
            empty = connection is not None and not _objects(connection)
            if connection is not None:
                connection.close()
            if last and path in self._made:
                self._made.discard(path)
                if empty:
                    path.unlink(missing_ok=True)


_WRITERS = _Writers()


@contextmanager
def open_writing(
    path: Path,
    *,
    name: str,
    spill_dir: Path,
    memory_limit: str,
    patience: float,
    cancelled: CancelToken,
) -> Generator[Any]:
    """Open the database for writing, make it when there is none, and close it at the end.

    `name` is what messages call it.

    Waits up to `patience` seconds for other programs, and until the steps of this run that read
    the file are done. A file that was made and in which nothing was committed is removed.
    """
    path = path.resolve()
    _WRITERS.enter(path)
    connection = None
    try:
        connection = _opened_when_free(path, name, spill_dir, memory_limit, patience, cancelled)
        forget = cancelled.on_cancel(connection.interrupt)
        try:
            yield connection
        finally:
            forget()
    finally:
        _WRITERS.leave(path, connection)


def _opened_when_free(
    path: Path,
    name: str,
    spill_dir: Path,
    memory_limit: str,
    patience: float,
    cancelled: CancelToken,
) -> Any:
    end = time.monotonic() + patience
    while True:
        cancelled.raise_if_set()
        try:
            return _opened(path, spill_dir, memory_limit, read_only=False)
        except duckdb.Error as error:
            waits = _SHARED in str(error) or _LOCKED in str(error)
            if not waits or time.monotonic() > end:
                raise _failure(error, path, name) from error
        cancelled.wait(_PAUSE)


def _opened(path: Path, spill_dir: Path, memory_limit: str, *, read_only: bool) -> Any:
    # Connections of one process to one file must have the same settings: nothing random here.
    config: dict[str, Any] = {
        "memory_limit": memory_limit,
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
        "temp_directory": str(spill_dir / "duckdb-file"),
    }
    spill_dir.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect(str(path), read_only=read_only, config=config)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it would go to standard output
    return connection


def _objects(connection: Any) -> bool:
    """Tell whether anything was ever made in the database."""
    with suppress(duckdb.Error):  # when there is no transaction
        connection.execute("ROLLBACK")
    try:
        counted = connection.execute(
            "SELECT (SELECT count(*) FROM duckdb_tables()) + (SELECT count(*) FROM duckdb_views() "
            "WHERE NOT internal) + (SELECT count(*) FROM duckdb_schemas() WHERE NOT internal "
            "AND schema_name <> 'main')"
        ).fetchall()
    except duckdb.Error:
        return True
    return bool(counted[0][0])


def _failure(error: duckdb.Error, path: Path, name: str) -> StepError:
    text = str(error).strip().partition("\n")[0].replace(str(path), name)
    if _LOCKED in text or _SHARED in text:
        return TransientStepError(
            f"{name} is in use: {text}",
            hint="close the other program, or raise the step's `lock_timeout`",
        )
    if any(mark in text for mark in _FULL):
        return DiskFullError(f"{name}: {text}", hint="free some space; nothing was written")
    if "not a valid DuckDB" in text or isinstance(error, duckdb.SerializationException):
        return DataError(f"{name}: {text}", hint="this is no DuckDB database, or a damaged one")
    if isinstance(error, duckdb.FatalException | duckdb.InternalException):
        return SystemStepError(f"{name}: {text}")
    return ConfigError(f"{name}: {text}", hint="check the step's `path`, relative to the project")

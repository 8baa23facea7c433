"""A SQLite file, opened for reading only."""

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from urllib.parse import quote

from osiris.core.atomic_file import write_error
from osiris.core.cancel import CancelToken
from osiris.core.errors import ConfigError
from osiris.core.source_files import SourceFile
from osiris.drivers.sqlite.failure import failure, primary_name

_STEPS = 100_000
"""Instructions of SQLite's virtual machine between two looks whether to stop."""

_BESIDE = ("-wal",)
"""What belongs to a database beside its file; SQLite makes the -shm anew."""


def open_database(
    file: SourceFile, *, spill_dir: Path, busy_timeout: float, cancelled: CancelToken
) -> sqlite3.Connection:
    """Return a connection in a transaction that sees one state and can change nothing.

    A database with a write-ahead log cannot be read where no file can be made beside it: it is
    copied below `spill_dir` then. Raises what `failure` makes of SQLite's errors.
    """
    try:
        return _begun(file.path, busy_timeout, cancelled)
    except sqlite3.OperationalError as error:
        if primary_name(error) not in {"SQLITE_CANTOPEN", "SQLITE_READONLY"}:
            raise failure(error, file.name) from error
    except sqlite3.Error as error:
        raise failure(error, file.name) from error
    try:
        return _begun(_copied(file, spill_dir), busy_timeout, cancelled)
    except sqlite3.Error as error:
        raise failure(error, file.name) from error


def _begun(path: Path, busy_timeout: float, cancelled: CancelToken) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.set_progress_handler(cancelled.is_set, _STEPS)
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _copied(file: SourceFile, spill_dir: Path) -> Path:
    if not os.access(file.path, os.R_OK):
        raise ConfigError(f"cannot read {file.name}", hint="check the file's rights")
    try:
        spill_dir.mkdir(parents=True, exist_ok=True)
        copy = Path(tempfile.mkdtemp(prefix="sqlite-", dir=spill_dir)) / "copy.db"
        for suffix in ("", *_BESIDE):
            beside = file.path.with_name(file.path.name + suffix)
            if beside.exists():
                shutil.copyfile(beside, copy.with_name(copy.name + suffix))
    except OSError as error:
        raise write_error(spill_dir, error) from error
    fault = file.fault()
    if fault is not None:
        raise fault
    return copy

"""An in-memory DuckDB that reaches the files it is given and nothing else."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from osiris.core.scan_sql import literal, path_literal

_ROWS_PER_BATCH = 65_536


def connect(
    *,
    spill_dir: Path,
    paths: Iterable[str] = (),
    memory_limit: str = "256MB",
    threads: int | None = None,
) -> Any:
    """Return a connection to a new in-memory database.

    Only the files in `paths` can be read; no network, no extension, no other file, no variable of
    the calling program; what a query cannot hold in `memory_limit` goes to a directory of its own
    below `spill_dir`. Times are UTC. Queries are profiled: that is how the rows of a scan are
    counted. The settings are locked.
    """
    spill_dir.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = {
        "memory_limit": memory_limit,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
        "preserve_insertion_order": True,
        "temp_directory": tempfile.mkdtemp(prefix="duckdb-", dir=spill_dir),
    }
    if threads is not None:
        config["threads"] = threads
    connection = duckdb.connect(":memory:", config=config)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET enable_progress_bar = false")  # it would go to standard output
    connection.execute("PRAGMA enable_profiling = 'no_output'")
    named = [form(path) for path in paths for form in (literal, path_literal)]
    if named:
        connection.execute(f"SET allowed_paths = [{', '.join(named)}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def reader(connection: Any, query: str) -> Any:
    """Return a query's result as a streaming `pa.RecordBatchReader`.

    `execute(…).to_arrow_reader()` would hold the whole result in memory; a relation streams.
    """
    return connection.sql(query).to_arrow_reader(_ROWS_PER_BATCH)

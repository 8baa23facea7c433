"""An in-memory DuckDB that reaches the files it is given and nothing else."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

_ROWS_PER_BATCH = 65_536


def literal(text: str) -> str:
    """Return a text as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def connect(
    *,
    paths: Iterable[str] = (),
    memory_limit: str = "256MB",
    threads: int | None = None,
    spill_dir: Path | None = None,
) -> Any:
    """Return a connection to a new in-memory database.

    Only the files in `paths` can be read; no network, no extension, no other file; what a query
    cannot hold in `memory_limit` goes to `spill_dir`. Queries are profiled: that is how the rows of
    a scan are counted. The settings are locked.
    """
    config: dict[str, Any] = {
        "memory_limit": memory_limit,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": True,
        "temp_directory": "" if spill_dir is None else str(spill_dir / "duckdb"),
    }
    if threads is not None:
        config["threads"] = threads
    connection = duckdb.connect(":memory:", config=config)
    allowed = ", ".join(literal(path) for path in paths)
    if allowed:
        connection.execute(f"SET allowed_paths = [{allowed}]")
    if spill_dir is not None:
        directory = literal(str(spill_dir / "duckdb"))
        connection.execute(f"SET allowed_directories = [{directory}]")
    connection.execute("PRAGMA enable_profiling = 'no_output'")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def reader(connection: Any, query: str) -> Any:
    """Return a query's result as a streaming `pa.RecordBatchReader`.

    `execute(…).to_arrow_reader()` would hold the whole result in memory; a relation streams.
    """
    return connection.sql(query).to_arrow_reader(_ROWS_PER_BATCH)

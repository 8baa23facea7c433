"""DuckDB files for tests: made and looked at by DuckDB itself, each time anew."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from osiris.core.driver_registry import DriverRegistry
from osiris.core.stream import TableStream
from tests.support.driver_run import DriverRun, stream_of


def run_sql(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements in a connection of their own; return the rows of the last."""
    rows: list[tuple[Any, ...]] = []
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            rows = connection.execute(statement).fetchall()
    return rows


_HOLDING = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    """Let another program have the file open for writing within the block."""
    command = [sys.executable, "-c", _HOLDING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == b"open\n"
        try:
            yield
        finally:
            other.stdin.close()


class DuckDBWriting:
    """A file in a directory, and steps that write into it."""

    def __init__(self, root: Path) -> None:
        self.path = root / "t.duckdb"
        self.step = DriverRun(root)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        return run_sql(self.path, *statements)

    def write(self, source: pa.Table | TableStream, **options: Any) -> int:
        stream = source if isinstance(source, TableStream) else stream_of(source)
        given = {"path": "t.duckdb", "table": "t", **options}
        return int(
            self.step.run(DriverRegistry().component("duckdb.writer"), {"df": stream}, **given)[
                "rows_written"
            ]
        )

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return self.sql("FROM t ORDER BY 1")


def breaking(table: pa.Table, error: Exception) -> Iterator[pa.RecordBatch]:
    """Yield a table's batches, then raise."""
    yield from table.to_batches()
    raise error

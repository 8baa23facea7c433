"""DuckDB files for tests: made and looked at by DuckDB itself, each time anew."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb


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

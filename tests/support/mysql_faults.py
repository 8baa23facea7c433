"""Writes into a table `t` of MySQL that go wrong on the way, in every mode."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.components.mysql_writer import COMPONENT
from osiris.core.stream import TableStream
from tests.conftest import Database
from tests.support.driver_run import DriverRun
from tests.support.mysql_reading import NO_TLS

SCHEMA = pa.schema([("id", pa.int32()), ("v", pa.string())])
BEFORE = [(1, "old"), (2, "old")]
MODES = ("append", "replace", "upsert", "made")
Fault = Callable[[], object]


def batch(first: int, count: int = 100, width: int = 10) -> pa.RecordBatch:
    numbers = pa.array(range(first, first + count), pa.int32())
    return pa.record_batch([numbers, pa.array(["x" * width] * count)], SCHEMA)


def stream(fault: Fault, *, after: int = 3, more: int = 3) -> TableStream:
    """A table of which some has been written when the fault happens."""

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(after):
            yield batch(10 + 100 * number)
        fault()
        for number in range(after, after + more):
            yield batch(10 + 100 * number)

    return TableStream(SCHEMA, batches(), source="make")


def options(database: Database, mode: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "connection": {**database.connection(), "tls": NO_TLS},
        "table": "t",
        "batch_size": 100,  # a statement a batch, so that the server has some of the rows
        "create_if_missing": True,
        "write_mode": "append" if mode == "made" else mode,
        **more,
    }
    if mode == "upsert":
        made["primary_key"] = ["id"]
    return made


def prepare(database: Database, mode: str) -> None:
    if mode != "made":
        database.script(
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200));"
            "INSERT INTO t VALUES (1, 'old'), (2, 'old')"
        )


def unchanged(database: Database, mode: str, *, leftovers: bool = False) -> bool:
    """Tell whether the table is as `prepare` made it; `leftovers`: other tables may be there."""
    tables = set(database.tables())
    if not leftovers and tables != (set() if mode == "made" else {"t"}):
        return False
    if mode == "made":
        return "t" not in tables
    return database.execute("SELECT * FROM t ORDER BY id") == BEFORE


def write(database: Database, root: Path, mode: str, table: TableStream, **more: Any) -> None:
    DriverRun(root).run(COMPONENT, {"df": table}, **options(database, mode, **more))


def writers(database: Database) -> list[int]:
    """The connections of the tests' user, which is nobody but the writer."""
    shown = database.execute(
        "SELECT id FROM information_schema.processlist"
        " WHERE user = 'osiris' AND command <> 'Killed'"
    )
    return [number for (number,) in shown]


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.15)  # InnoDB renews its tables of transactions ten times a second at most

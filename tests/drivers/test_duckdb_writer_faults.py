"""What must leave a DuckDB file as it was: a broken input, others' locks, a full disk, a kill."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import CancelledError, DataError, TransientStepError
from osiris.core.stream import TableStream
from osiris.drivers.duckdb import database_file
from tests.support.duckdb_file import DuckDBWriting, breaking, held_by_another

EXTRACTOR = DriverRegistry().component("duckdb.extractor")
OLD = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR)",
    "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
)
NEW = pa.table({"id": pa.array([2, 3], pa.int32()), "name": ["B", "c"]})
UPSERT: dict[str, Any] = {"write_mode": "upsert", "primary_key": ["id"]}


@pytest.fixture
def writing(tmp_path: Path) -> DuckDBWriting:
    return DuckDBWriting(tmp_path)


@pytest.mark.parametrize("options", [{}, {"write_mode": "replace"}, UPSERT], ids=str)
def test_an_input_that_breaks_leaves_the_table(
    writing: DuckDBWriting, options: dict[str, Any]
) -> None:
    writing.sql(*OLD)
    table = pa.table({"id": pa.array([7], pa.int32()), "name": ["x"]})
    for error in (DataError("the source broke"), CancelledError("stop")):
        with pytest.raises(type(error)):
            writing.write(TableStream(table.schema, breaking(table, error)), **options)
        assert writing.rows == [(1, "a"), (2, "b")]


def test_a_new_file_in_which_nothing_was_written_goes(writing: DuckDBWriting) -> None:
    broken = TableStream(NEW.schema, breaking(NEW, DataError("the source broke")))
    with pytest.raises(DataError):
        writing.write(broken, create_if_missing=True)
    assert not writing.path.exists()


def test_a_file_that_another_program_makes_meanwhile_stays(writing: DuckDBWriting) -> None:
    """The step has looked and seen none; then it cannot open it."""
    writers = database_file._Writers()
    writers.enter(writing.path)
    writing.sql(*OLD)
    writers.leave(writing.path, None)
    assert writing.rows == [(1, "a"), (2, "b")]


def test_a_file_that_is_none(writing: DuckDBWriting) -> None:
    writing.path.write_text("id,name\n" * 2000)
    with pytest.raises(DataError, match="not a valid DuckDB database file"):
        writing.write(NEW)
    assert writing.path.read_text() == "id,name\n" * 2000


def test_two_steps_may_write_one_file_at_once(writing: DuckDBWriting) -> None:
    writing.sql("CREATE TABLE a (id INT)", "CREATE TABLE b (id INT)")
    first_is_writing, go_on = threading.Event(), threading.Event()
    table = NEW.select(["id"])

    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches()
        first_is_writing.set()
        assert go_on.wait(60)

    stream = TableStream(table.schema, batches())
    other = threading.Thread(
        target=lambda: DuckDBWriting(writing.path.parent).write(stream, table="a")
    )
    other.start()
    assert first_is_writing.wait(60)
    assert writing.write(table, table="b") == 2
    go_on.set()
    other.join(60)
    assert writing.sql("SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)") == [(2, 2)]


def test_a_step_waits_for_those_of_its_run_that_read_the_file(writing: DuckDBWriting) -> None:
    writing.sql(*OLD)
    reader = writing.step.run(EXTRACTOR, {}, path="t.duckdb", table="t")["df"]
    waiting = threading.Thread(
        target=lambda: DuckDBWriting(writing.path.parent).write(NEW, **UPSERT)
    )
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    assert reader.read_all().num_rows == 2
    reader.close()
    waiting.join(60)
    assert len(writing.rows) == 3


def test_another_program_that_has_the_file(writing: DuckDBWriting) -> None:
    writing.sql(*OLD)
    with (
        held_by_another(writing.path),
        pytest.raises(TransientStepError, match=r"^t\.duckdb is in use"),
    ):
        writing.write(NEW, **UPSERT, lock_timeout=0.01)
    assert writing.write(NEW, **UPSERT) == 2


_POLLS = """
import sys, duckdb
seen = set()
print("begun", flush=True)
while "new" not in seen:
    try:
        with duckdb.connect(sys.argv[1], read_only=True) as connection:
            ((rows, first),) = connection.execute("SELECT count(*), min(name) FROM t").fetchall()
            seen.add({(2, "a"): "old", (100_000, "new"): "new"}.get((rows, first), (rows, first)))
    except duckdb.IOException:  # the writer has the file
        pass
print(*sorted(map(str, seen)))
"""


def test_another_program_never_sees_a_table_that_is_half_replaced(
    writing: DuckDBWriting,
) -> None:
    writing.sql(*OLD)
    ids = pa.array(range(100_000), pa.int32())
    new = pa.table({"id": ids, "name": ["new"] * 100_000})
    command = [sys.executable, "-c", _POLLS, str(writing.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as polling:
        assert polling.stdout is not None
        assert polling.stdout.readline() == "begun\n"
        for _ in range(3):
            assert writing.write(new, write_mode="replace", lock_timeout=60) == 100_000
        seen, _ = polling.communicate(timeout=60)
    assert polling.returncode == 0
    assert set(seen.split()) <= {"old", "new"}


_ENDS = """
import os, pathlib, resource, signal, sys
import pyarrow as pa
from tests.support.duckdb_file import DuckDBWriting
from osiris.core.errors import StepError
from osiris.core.stream import TableStream

schema = pa.schema([("id", pa.int32()), ("name", pa.string())])

def batches():
    for start in range(100, 1_000_100, 100_000):
        ids = range(start, start + 100_000)
        names = [f"name {i * 7919}" for i in ids]
        yield pa.record_batch([pa.array(ids, pa.int32()), pa.array(names)], schema=schema)
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "full":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
try:
    writing = DuckDBWriting(pathlib.Path(sys.argv[1]))
    writing.write(TableStream(schema, batches()), write_mode="replace")
except StepError as error:
    print(type(error).__name__, error.message)
    sys.exit(17)
"""


def _ended(root: Path, how: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _ENDS, str(root), how]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_killed_run_leaves_the_table(writing: DuckDBWriting, tmp_path: Path) -> None:
    writing.sql("CREATE TABLE t (id INT, name VARCHAR)", OLD[1])
    assert _ended(tmp_path, "killed").returncode == -signal.SIGKILL
    assert writing.rows == [(1, "a"), (2, "b")]


def test_a_full_disk_leaves_the_table(writing: DuckDBWriting, tmp_path: Path) -> None:
    """A limit on the size of a file stands for the disk."""
    writing.sql("CREATE TABLE t (id INT, name VARCHAR)", OLD[1])
    done = _ended(tmp_path, "full")
    assert done.returncode == 17, done.stderr
    assert "File too large" in done.stdout
    assert writing.rows == [(1, "a"), (2, "b")]

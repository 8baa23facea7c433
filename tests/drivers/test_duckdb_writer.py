"""The driver of duckdb.writer: modes, types there and back, the contract, faults, a killed run."""

import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import (
    CancelledError,
    ConfigError,
    DataError,
    TransientStepError,
)
from osiris.core.events import DataWarning, SchemaEvolved
from osiris.core.stream import TableStream
from osiris.drivers.duckdb import database_file
from tests.contracts.driver_contract import DriverContract
from tests.support.driver_run import DriverRun, stream_of
from tests.support.duckdb_file import held_by_another, run_sql

WRITER = DriverRegistry().component("duckdb.writer")
EXTRACTOR = DriverRegistry().component("duckdb.extractor")
OLD = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR)",
    "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
)
NEW = pa.table({"id": pa.array([2, 3], pa.int32()), "name": ["B", "c"]})
UPSERT: dict[str, Any] = {"write_mode": "upsert", "primary_key": ["id"]}


class TestContract(DriverContract):
    component = "duckdb.writer"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {
            "path": "t.duckdb",
            "table": "t",
            "write_mode": "replace",
            "create_if_missing": True,
        }


class Writing:
    """A file in a directory, and steps that write into it."""

    def __init__(self, root: Path) -> None:
        self.path = root / "t.duckdb"
        self.step = DriverRun(root)

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        return run_sql(self.path, *statements)

    def write(self, source: pa.Table | TableStream, **options: Any) -> int:
        stream = source if isinstance(source, TableStream) else stream_of(source)
        given = {"path": "t.duckdb", "table": "t", **options}
        return int(self.step.run(WRITER, {"df": stream}, **given)["rows_written"])

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return self.sql("FROM t ORDER BY 1")


@pytest.fixture
def writing(tmp_path: Path) -> Writing:
    return Writing(tmp_path)


# --- modes ---


def test_append_adds_or_leaves_the_table(writing: Writing) -> None:
    writing.sql(*OLD)
    more = pa.table({"ID": pa.array([3, 4], pa.int32()), "name": [None, ""]})
    assert writing.write(more) == 2
    assert writing.rows == [(1, "a"), (2, "b"), (3, None), (4, "")]
    twice = pa.table({"id": pa.array([*range(10, 5000), 4], pa.int32()), "name": ["x"] * 4991})
    with pytest.raises(DataError, match=r"Duplicate key .id: 4."):
        writing.write(twice)
    assert len(writing.rows) == 4


def test_replace_keeps_what_hangs_on_the_table(writing: Writing) -> None:
    writing.sql(*OLD, "CREATE VIEW v AS SELECT name FROM t", "CREATE INDEX byname ON t (name)")
    assert writing.write(NEW, write_mode="replace") == 2
    assert writing.rows == [(2, "B"), (3, "c")]
    assert writing.sql("FROM v ORDER BY 1") == [("B",), ("c",)]
    assert writing.sql("SELECT count(*) FROM duckdb_indexes()") == [(1,)]
    assert writing.write(NEW.slice(0, 0), write_mode="replace") == 0
    assert writing.rows == []


def test_upsert_takes_the_place_of_rows_with_the_same_key(writing: Writing) -> None:
    writing.sql(*OLD)
    for _ in range(2):
        assert writing.write(NEW, **UPSERT) == 2
        assert writing.rows == [(1, "a"), (2, "B"), (3, "c")]
    assert writing.write(NEW.select(["id"]), **UPSERT, on_missing_column="ignore") == 2
    assert writing.rows == [(1, "a"), (2, "B"), (3, "c")]


def test_upsert_refuses_what_has_no_single_answer(writing: Writing) -> None:
    writing.sql(*OLD)
    twice = pa.table({"id": pa.array([5, 6, 5], pa.int32()), "name": ["x", "y", "z"]})
    with pytest.raises(DataError, match=r"2 rows of the input have the same key \(id = '5'\)"):
        writing.write(stream_of(twice, rows=1), **UPSERT)
    none = pa.table({"id": pa.array([7, None], pa.int32()), "name": ["x", "y"]})
    with pytest.raises(DataError, match="row 2 has NULL in 'id'"):
        writing.write(stream_of(none, rows=1), **UPSERT)
    with pytest.raises(ConfigError, match=r"no primary key or unique constraint on \(name\)"):
        writing.write(NEW, write_mode="upsert", primary_key=["name"])
    assert writing.rows == [(1, "a"), (2, "b")]


def test_file_and_table_are_made(writing: Writing) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        writing.write(NEW)
    assert writing.write(NEW, create_if_missing=True, primary_key=["id"]) == 2
    assert writing.write(NEW, **UPSERT) == 2
    assert writing.rows == [(2, "B"), (3, "c")]
    with pytest.raises(ConfigError, match=r"there is no table main\.other"):
        writing.write(NEW, table="other")
    with pytest.raises(ConfigError, match="Schema with name s does not exist"):
        writing.write(NEW, schema="s", create_if_missing=True)
    changes = [e.change for e in writing.step.events if isinstance(e, SchemaEvolved)]
    assert changes == ["table_created"]


def test_a_view_is_no_target(writing: Writing) -> None:
    writing.sql("CREATE VIEW t AS SELECT 1 AS id, 'a' AS name")
    with pytest.raises(ConfigError, match=r"main\.t is a view"):
        writing.write(NEW)


# --- types ---

TYPES: dict[str, tuple[pa.Array, str]] = {
    "bool": (pa.array([True, None]), "BOOLEAN"),
    "int8": (pa.array([-128, 127], pa.int8()), "TINYINT"),
    "int64": (pa.array([-(2**63), 2**63 - 1]), "BIGINT"),
    "uint64": (pa.array([2**64 - 1, None], pa.uint64()), "UBIGINT"),
    "float": (pa.array([1.5, float("inf")], pa.float32()), "FLOAT"),
    "double": (pa.array([1e308, float("nan")]), "DOUBLE"),
    "decimal": (pa.array([Decimal("9" * 36 + ".99")], pa.decimal128(38, 2)), "DECIMAL(38,2)"),
    "text": (pa.array(["", "žluť\0🐎", None, "x" * 1_000_000]), "VARCHAR"),
    "large text": (pa.array(["a", None], pa.large_string()), "VARCHAR"),
    "dictionary": (pa.array(["a", None, "a"]).dictionary_encode(), "VARCHAR"),
    "binary": (pa.array([b"\0\xff", b""]), "BLOB"),
    "date": (pa.array([date(1, 1, 1), date(9999, 12, 31)]), "DATE"),
    "time": (pa.array([time(23, 59, 59, 999_999)]), "TIME"),
    "time ns": (pa.array([86_399_999_999_999], pa.time64("ns")), "TIME_NS"),
    "timestamp": (pa.array([datetime(2024, 1, 1, 1, 1, 1, 1)]), "TIMESTAMP"),  # noqa: DTZ001 - the type has no zone
    "timestamp s": (pa.array([-1, None], pa.timestamp("s")), "TIMESTAMP_S"),
    "timestamp ns": (pa.array([1_234_567_891], pa.timestamp("ns")), "TIMESTAMP_NS"),
    "zoned": (pa.array([1, None], pa.timestamp("us", "UTC")), "TIMESTAMP WITH TIME ZONE"),
    "interval": (pa.array([(1, 2, 3000), None], pa.month_day_nano_interval()), "INTERVAL"),
    "uuid": (pa.array([uuid.uuid4().bytes, None], pa.uuid()), "UUID"),
    "json": (pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', None])), "JSON"),
    "list": (pa.array([["a", None], None, []]), "VARCHAR[]"),
    "list of lists": (pa.array([[[1], []], None]), "BIGINT[][]"),
    "struct": (pa.array([{"a": 1, "b c": "x"}, None]), 'STRUCT(a BIGINT, "b c" VARCHAR)'),
    "map": (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), "MAP(VARCHAR, BIGINT)"),
    "null": (pa.nulls(2), "VARCHAR"),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_created_and_read_back(writing: Writing, name: str) -> None:
    array, declared = TYPES[name]
    table = pa.table({"select": array})
    assert writing.write(table, create_if_missing=True) == len(array)
    assert writing.sql("SELECT data_type FROM duckdb_columns() WHERE table_name = 't'") == [
        (declared,)
    ]
    assert writing.write(table) == len(array)
    back = writing.step.run(EXTRACTOR, {}, path="t.duckdb", table="t")["df"].read_all()
    found = back["select"]
    if name.endswith(" ns"):
        array, found = array.cast(pa.int64()), found.cast(pa.int64())
    expected = array.to_pylist() * 2
    if name in {"uuid", "json"}:
        expected = [None if value is None else str(value) for value in expected]
    assert repr(found.to_pylist()) == repr(expected)


def test_a_type_that_duckdb_has_not(writing: Writing) -> None:
    table = pa.table({"d": pa.array([Decimal(1)], pa.decimal256(50, 2))})
    with pytest.raises(DataError, match=r"DuckDB has no type for Arrow's decimal256\(50, 2\)"):
        writing.write(table, create_if_missing=True)
    assert not writing.path.exists()


CHECKED: dict[str, tuple[str, pa.Array, str]] = {
    "range": ("TINYINT", pa.array([1, 300]), "TINYINT and cannot hold 300 of row 2"),
    "digits": ("DECIMAL(4,1)", pa.array([Decimal("1.25")]), r"DECIMAL\(4,1\) and cannot hold 1.25"),
    "uuid": ("UUID", pa.array(["x"]), "UUID and cannot hold 'x'"),
    "fraction": ("TIMESTAMP_S", pa.array([1], pa.timestamp("us")), "TIMESTAMP_S and cannot hold"),
    "infinity": ("DATE", pa.array([2**31 - 1], pa.int32()).view(pa.date32()), "DATE and cannot"),
    "meaning": ("DATE", pa.array([1]), "DATE, which cannot hold the input's int64"),
    "struct": ("STRUCT(a INT)", pa.array([{"b": 1}]), r"STRUCT.*, which cannot hold"),
    "enum": ("mood", pa.array(["sad"]), "Could not convert string 'sad' to ENUM"),
    "check": ("INT CHECK (c > 5)", pa.array([1], pa.int32()), "CHECK constraint failed"),
    "null": ("INT NOT NULL", pa.array([None], pa.int32()), "NOT NULL constraint failed"),
}


@pytest.mark.parametrize("name", CHECKED)
def test_a_value_that_does_not_fit(writing: Writing, name: str) -> None:
    declared, array, told = CHECKED[name]
    writing.sql("CREATE TYPE mood AS ENUM ('ok')", f"CREATE TABLE t (c {declared})")
    with pytest.raises(DataError, match=told):
        writing.write(pa.table({"c": array}))
    assert writing.rows == []


def test_an_enum_takes_its_labels(writing: Writing) -> None:
    writing.sql("CREATE TYPE mood AS ENUM ('ok', 'bad')", "CREATE TABLE t (c mood)")
    assert writing.write(pa.table({"c": ["bad", None]})) == 2
    assert writing.sql("SELECT c FROM t ORDER BY c") == [("bad",), (None,)]


# --- the contract ---


def test_the_contract_is_error_unless_told(writing: Writing) -> None:
    writing.sql(*OLD)
    wider = NEW.append_column("n", pa.array([2**40, 7]))
    with pytest.raises(DataError, match=r"main\.t has no column 'n'"):
        writing.write(wider)
    with pytest.raises(DataError, match="the input has no column 'name'"):
        writing.write(NEW.select(["id"]))
    assert writing.write(wider.slice(1), on_new_column="ignore") == 1
    (warning,) = [e for e in writing.step.events if isinstance(e, DataWarning)]
    assert warning.code == "table.column_not_written"


def test_the_table_evolves_with_the_rows_or_not_at_all(writing: Writing) -> None:
    writing.sql("CREATE TABLE t (id INT, s VARCHAR NOT NULL)", "INSERT INTO t VALUES (1, 'a')")
    table = pa.table({"id": [2**40, 5], "n": ["x", None]})
    evolve = {"on_new_column": "evolve", "on_missing_column": "evolve", "on_type_change": "evolve"}
    broken = TableStream(table.schema, _failing(table, DataError("the source broke")))
    with pytest.raises(DataError, match="the source broke"):
        writing.write(broken, **evolve)
    assert writing.rows == [(1, "a")]
    assert writing.step.events == []
    assert writing.write(table, **evolve) == 2
    assert writing.rows == [(1, "a", None), (5, None, None), (2**40, None, "x")]
    changes = {e.change for e in writing.step.events if isinstance(e, SchemaEvolved)}
    assert changes == {"column_added", "type_widened", "not_null_dropped"}


def test_generated_and_filled_columns(writing: Writing) -> None:
    writing.sql("CREATE TABLE t (id INT, n INT DEFAULT 7, g INT GENERATED ALWAYS AS (id * 2))")
    assert writing.write(NEW.select(["id"])) == 2
    assert writing.rows == [(2, 7, 4), (3, 7, 6)]
    with pytest.raises(DataError, match=r"'g' of main\.t is computed by the database"):
        writing.write(pa.table({"id": [1], "g": [2]}))


def test_odd_names(writing: Writing) -> None:
    table = pa.table({'select "x"': [1], "É'": ["a"]})
    options = {"table": 'or"der', "create_if_missing": True, "primary_key": ['select "x"']}
    assert writing.write(table, **options) == 1
    assert writing.write(table, **{**options, "write_mode": "upsert"}) == 1
    assert writing.sql('FROM "or""der"') == [(1, "a")]
    with pytest.raises(DataError, match="'a' and 'A' are the same column"):
        writing.write(pa.table({"a": [1], "A": [2]}), table="n", create_if_missing=True)


# --- faults ---


def _failing(table: pa.Table, error: Exception) -> Iterator[pa.RecordBatch]:
    yield from table.to_batches()
    raise error


@pytest.mark.parametrize("options", [{}, {"write_mode": "replace"}, UPSERT], ids=str)
def test_an_input_that_breaks_leaves_the_table(writing: Writing, options: dict[str, Any]) -> None:
    writing.sql(*OLD)
    table = pa.table({"id": pa.array([7], pa.int32()), "name": ["x"]})
    for error in (DataError("the source broke"), CancelledError("stop")):
        with pytest.raises(type(error)):
            writing.write(TableStream(table.schema, _failing(table, error)), **options)
        assert writing.rows == [(1, "a"), (2, "b")]


def test_a_new_file_in_which_nothing_was_written_goes(writing: Writing) -> None:
    broken = TableStream(NEW.schema, _failing(NEW, DataError("the source broke")))
    with pytest.raises(DataError):
        writing.write(broken, create_if_missing=True)
    assert not writing.path.exists()


def test_a_file_that_another_program_makes_meanwhile_stays(writing: Writing) -> None:
    """The step has looked and seen none; then it cannot open it."""
    writers = database_file._Writers()
    writers.enter(writing.path)
    writing.sql(*OLD)
    writers.leave(writing.path, None)
    assert writing.rows == [(1, "a"), (2, "b")]


def test_a_file_that_is_none(writing: Writing) -> None:
    writing.path.write_text("id,name\n" * 2000)
    with pytest.raises(DataError, match="not a valid DuckDB database file"):
        writing.write(NEW)
    assert writing.path.read_text() == "id,name\n" * 2000


def test_two_steps_may_write_one_file_at_once(writing: Writing) -> None:
    writing.sql("CREATE TABLE a (id INT)", "CREATE TABLE b (id INT)")
    first_is_writing, go_on = threading.Event(), threading.Event()
    table = NEW.select(["id"])

    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches()
        first_is_writing.set()
        assert go_on.wait(60)

    stream = TableStream(table.schema, batches())
    other = threading.Thread(target=lambda: Writing(writing.path.parent).write(stream, table="a"))
    other.start()
    assert first_is_writing.wait(60)
    assert writing.write(table, table="b") == 2
    go_on.set()
    other.join(60)
    assert writing.sql("SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b)") == [(2, 2)]


def test_a_step_waits_for_those_of_its_run_that_read_the_file(writing: Writing) -> None:
    writing.sql(*OLD)
    reader = writing.step.run(EXTRACTOR, {}, path="t.duckdb", table="t")["df"]
    waiting = threading.Thread(target=lambda: Writing(writing.path.parent).write(NEW, **UPSERT))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    assert reader.read_all().num_rows == 2
    reader.close()
    waiting.join(60)
    assert len(writing.rows) == 3


def test_another_program_that_has_the_file(writing: Writing) -> None:
    writing.sql(*OLD)
    with (
        held_by_another(writing.path),
        pytest.raises(TransientStepError, match="is in use"),
    ):
        writing.write(NEW, **UPSERT, lock_timeout=0.01)
    assert writing.write(NEW, **UPSERT) == 2


_ENDS = """
import os, pathlib, resource, signal, sys
import pyarrow as pa
from tests.drivers.test_duckdb_writer import Writing
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
    Writing(pathlib.Path(sys.argv[1])).write(TableStream(schema, batches()), write_mode="replace")
except StepError as error:
    print(type(error).__name__, error.message)
    sys.exit(17)
"""


def _ended(root: Path, how: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _ENDS, str(root), how]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_killed_run_leaves_the_table(writing: Writing, tmp_path: Path) -> None:
    writing.sql("CREATE TABLE t (id INT, name VARCHAR)", OLD[1])
    assert _ended(tmp_path, "killed").returncode == -signal.SIGKILL
    assert writing.rows == [(1, "a"), (2, "b")]


def test_a_full_disk_leaves_the_table(writing: Writing, tmp_path: Path) -> None:
    """A limit on the size of a file stands for the disk."""
    writing.sql("CREATE TABLE t (id INT, name VARCHAR)", OLD[1])
    done = _ended(tmp_path, "full")
    assert done.returncode == 17, done.stderr
    assert "File too large" in done.stdout
    assert writing.rows == [(1, "a"), (2, "b")]

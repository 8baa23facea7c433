"""The driver of duckdb.extractor: the contract, what its SQL may reach, whose file it is."""

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pydantic import ValidationError

from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import (
    CancelledError,
    ConfigError,
    DataError,
    StepError,
    TransientStepError,
)
from tests.contracts.driver_contract import DriverContract
from tests.support.driver_run import DriverRun
from tests.support.duckdb_file import held_by_another, run_sql

EXTRACTOR = DriverRegistry().component("duckdb.extractor")
ROWS = "CREATE TABLE t AS SELECT i AS id, 'row ' || i AS s FROM range(1000) AS numbers(i)"


def read(root: Path, **options: Any) -> pa.Table:
    outputs = DriverRun(root).run(EXTRACTOR, {}, path="t.duckdb", **options)
    with outputs["df"] as reader:
        table: pa.Table = reader.read_all()
    return table


class TestContract(DriverContract):
    component = "duckdb.extractor"

    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        run_sql(tmp_path / "t.duckdb", ROWS)
        return {"path": "t.duckdb", "table": "t"}


def test_a_table_and_a_query(tmp_path: Path) -> None:
    run_sql(tmp_path / "t.duckdb", ROWS, "CREATE SCHEMA s", 'CREATE VIEW s."a ""b" AS FROM t')
    assert read(tmp_path, table="t").num_rows == 1000
    assert read(tmp_path, table="t", columns=["s"]).column_names == ["s"]
    assert read(tmp_path, table='a "b', schema="s").column_names == ["id", "s"]
    found = read(tmp_path, query="SELECT max(id) AS m FROM t -- the last;")
    assert found.to_pydict() == {"m": [999]}


def test_types_come_exactly(tmp_path: Path) -> None:
    run_sql(
        tmp_path / "t.duckdb",
        "CREATE TYPE mood AS ENUM ('ok')",
        """CREATE TABLE t AS SELECT 18446744073709551615::UBIGINT AS u, 1.20::DECIMAL(38, 2) AS d,
           'ok'::mood AS e, 170141183460469231731687303715884105::HUGEINT AS h,
           '12345678-1234-1234-1234-123456789012'::UUID AS id, [1, NULL] AS l, {'a': 1} AS st,
           TIMESTAMPTZ '2024-01-01 02:00:00+02' AS z, 'x'::BLOB AS b, INTERVAL 1 MONTH AS i""",
    )
    found = read(tmp_path, table="t")
    row = found.to_pylist()[0]
    assert row["u"] == 2**64 - 1
    assert row["d"] == Decimal("1.20")
    assert (row["e"], row["id"][:8], row["b"]) == ("ok", "12345678", b"x")
    assert row["h"] == Decimal(170141183460469231731687303715884105)
    assert (row["l"], row["st"], row["i"]) == ([1, None], {"a": 1}, (1, 0, 0))
    assert found.schema.field("z").type == pa.timestamp("us", "UTC")
    assert row["z"] == datetime(2024, 1, 1, tzinfo=UTC)


REFUSED = {
    "another file": ("SELECT * FROM '/etc/passwd.csv'", "Permission Error"),
    "a view of a file": ("SELECT * FROM peek", "Permission Error"),
    "the network": ("SELECT * FROM read_csv('http://127.0.0.1/x.csv')", "Error"),
    "writing": ("INSERT INTO t VALUES (1, 'a')", "the query is INSERT, not one SELECT"),
    "attaching": ("ATTACH 'x.db'", "the query is ATTACH, not one SELECT"),
    "two statements": ("SELECT 1; SELECT 2", "SELECT and SELECT, not one SELECT"),
    "nothing": ("--", "the query is empty"),
    "no table": ("SELECT * FROM none", "Table with name none does not exist"),
    "twice": ("SELECT 1 AS a, 2 AS a", "several columns named a"),
    "no Arrow type": ("SELECT '101'::BIT AS b", "CAST what is BIT to VARCHAR"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_query_may_not(tmp_path: Path, name: str) -> None:
    query, told = REFUSED[name]
    view = (
        "CREATE VIEW peek AS FROM read_csv('/etc/passwd', columns={'a': 'VARCHAR'}, header=false)"
    )
    run_sql(tmp_path / "t.duckdb", ROWS, view)
    before = (tmp_path / "t.duckdb").read_bytes()
    with pytest.raises(StepError) as caught:
        read(tmp_path, query=query)
    assert told in f"{caught.value.message} {caught.value.hint}"
    assert (tmp_path / "t.duckdb").read_bytes() == before


def test_a_value_that_cannot_be_converted(tmp_path: Path) -> None:
    run_sql(tmp_path / "t.duckdb", ROWS)
    with pytest.raises(DataError, match="Could not convert string 'row 0'"):
        read(tmp_path, query="SELECT s::INT AS n FROM t")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"query": "SELECT 1", "table": "t"},
        {"query": "SELECT 1", "schema": "main"},
        {"query": "SELECT 1", "columns": ["a"]},
        {"table": "t", "columns": ["a", "a"]},
        {"table": "t", "memory_limit": "much"},
    ],
    ids=str,
)
def test_options_that_do_not_go_together(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EXTRACTOR.config.model_validate({"path": "t.duckdb", **options})


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^cannot read t\.duckdb: No such file"):
        read(tmp_path, table="t")
    (tmp_path / "t.duckdb").write_text("id,name\n" * 2000)
    with pytest.raises(DataError, match=r'^t\.duckdb: .*"t\.duckdb" .*not a valid DuckDB'):
        read(tmp_path, table="t")


def test_a_cut_file(tmp_path: Path) -> None:
    run_sql(tmp_path / "t.duckdb", ROWS)
    os.truncate(tmp_path / "t.duckdb", 20_000)
    with pytest.raises(StepError):
        read(tmp_path, table="t")


_KILLED = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1], config={"checkpoint_threshold": "1GB"})
connection.execute("CREATE TABLE t AS SELECT 7 AS id")
os.kill(os.getpid(), 9)
"""


def test_a_log_that_a_killed_program_left_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.duckdb"
    subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False)
    assert (tmp_path / "t.duckdb.wal").exists()
    assert read(tmp_path, table="t").to_pydict() == {"id": [7]}
    assert (tmp_path / "t.duckdb.wal").exists()


def test_another_program_that_writes(tmp_path: Path) -> None:
    run_sql(tmp_path / "t.duckdb", ROWS)
    with (
        held_by_another(tmp_path / "t.duckdb"),
        pytest.raises(TransientStepError, match=r"^t\.duckdb is in use"),
    ):
        read(tmp_path, table="t")
    assert read(tmp_path, table="t").num_rows == 1000


def test_another_step_of_the_run_that_writes(tmp_path: Path) -> None:
    run_sql(tmp_path / "t.duckdb", ROWS)
    with (
        duckdb.connect(str(tmp_path / "t.duckdb")),
        pytest.raises(ConfigError, match=r"^t\.duckdb is opened otherwise by another step"),
    ):
        read(tmp_path, table="t")


def test_a_long_query_can_be_stopped(tmp_path: Path) -> None:
    run_sql(tmp_path / "t.duckdb", ROWS)
    step = DriverRun(tmp_path)
    threading.Timer(0.3, lambda: step.cancelled.cancel(CancelledError("stop"))).start()
    query = "SELECT sum(a.i * b.i) AS n FROM range(10_000_000) a(i), range(10_000_000) b(i)"
    start = time.monotonic()
    with pytest.raises(CancelledError):
        step.run(EXTRACTOR, {}, path="t.duckdb", query=query)["df"].read_all()
    assert time.monotonic() - start < 60

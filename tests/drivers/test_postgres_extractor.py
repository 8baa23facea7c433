"""The driver of postgres.extractor: the contract, the table it names, and what it tells."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from osiris.components.postgres_extractor import COMPONENT, PostgresExtractorConfig
from osiris.core.errors import ConfigError, DataError
from osiris.core.events import DataWarning
from osiris.core.metrics import MetricName
from osiris.drivers.postgres.read_stream import query_of
from tests.contracts.driver_contract import DriverContract
from tests.support.driver_run import DriverRun
from tests.support.postgres import PostgresDatabase, quoted


class TestContract(DriverContract):
    component = "postgres.extractor"

    @pytest.fixture
    def options(self, pg: PostgresDatabase) -> dict[str, Any]:
        pg.execute("CREATE TABLE t (a INT, d DATE)")
        pg.execute("INSERT INTO t VALUES (1, '2024-01-01'), (2, NULL)")
        return {"connection": pg.connection(), "table": "t"}


class TestPartitionedContract(DriverContract):
    component = "postgres.extractor"

    @pytest.fixture
    def options(self, pg: PostgresDatabase) -> dict[str, Any]:
        pg.execute(
            "CREATE TABLE t AS SELECT i AS a, 'x' || i AS b FROM generate_series(1, 50) AS i"
        )
        partition = {"column": "a", "parts": 3}
        return {"connection": pg.connection(), "table": "t", "partition": partition}


@pytest.fixture
def run(tmp_path: Path) -> DriverRun:
    return DriverRun(tmp_path)


def _reader(pg: PostgresDatabase, run: DriverRun, **options: Any) -> pa.RecordBatchReader:
    connection = options.pop("connection", pg.connection())
    reader = run.run(COMPONENT, {}, connection=connection, **options)["df"]
    assert isinstance(reader, pa.RecordBatchReader)
    return reader


def _rows(pg: PostgresDatabase, run: DriverRun, **options: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _reader(pg, run, **options).read_all().to_pylist()
    return rows


NAMES = ("plain", "select", "Upper", "two words", "a.b", 'quote"', "'", "ünï漢😀", "%s", "$1", "1")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_taken_as_they_are(pg: PostgresDatabase, run: DriverRun, name: str) -> None:
    table, column = quoted(name), quoted(name + "c")
    pg.execute(f"CREATE TABLE {table} ({column} INT, other INT); INSERT INTO {table} VALUES (1, 2)")
    assert _rows(pg, run, table=name) == [{name + "c": 1, "other": 2}]
    assert _rows(pg, run, table=name, columns=[name + "c"]) == [{name + "c": 1}]
    assert _rows(pg, run, table=name, columns=["other", name + "c"], limit=1) == [
        {"other": 2, name + "c": 1}
    ]


def test_names_that_differ_in_case_only(pg: PostgresDatabase, run: DriverRun) -> None:
    pg.execute('CREATE TABLE t (a INT, "A" INT); CREATE TABLE "T" (b INT)')
    pg.execute('INSERT INTO t VALUES (1, 2); INSERT INTO "T" VALUES (3)')
    assert _rows(pg, run, table="t") == [{"a": 1, "A": 2}]
    assert _rows(pg, run, table="T") == [{"b": 3}]


def test_schemas(pg: PostgresDatabase, run: DriverRun) -> None:
    pg.execute('CREATE SCHEMA "my s"; CREATE TABLE "my s".t AS SELECT 1 AS a')
    pg.execute("CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 2 AS a")
    assert _rows(pg, run, schema="my s", table="t") == [{"a": 1}]
    with pytest.raises(ConfigError, match="no such table"):
        _rows(pg, run, table="t")
    connection = {**pg.connection(), "options": {"search_path": "other"}}
    assert _rows(pg, run, table="t", connection=connection) == [{"a": 2}]


@pytest.mark.parametrize("limit", [0, 1, 3, 10, None])
def test_limit(pg: PostgresDatabase, run: DriverRun, limit: int | None) -> None:
    pg.execute("CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3), (4)")
    found = [row["a"] for row in _rows(pg, run, table="t", limit=limit)]
    assert found == [1, 2, 3, 4][:limit]


def test_views_and_partitioned_tables(pg: PostgresDatabase, run: DriverRun) -> None:
    pg.execute(
        "CREATE TABLE p (a INT) PARTITION BY RANGE (a);"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);"
        "INSERT INTO p VALUES (1), (11); CREATE VIEW v AS SELECT a * 2 AS b FROM p"
    )
    assert _rows(pg, run, table="p") == [{"a": 1}, {"a": 11}]
    assert _rows(pg, run, table="v") == [{"b": 2}, {"b": 22}]


def test_the_query_of_a_table() -> None:
    given = {"connection": {"user": "u", "database": "d"}, "table": 'a"b'}
    config = {**given, "schema": "s", "columns": ["x", 'y"'], "limit": 0}
    query = query_of(PostgresExtractorConfig.model_validate(config))
    assert query == 'SELECT "x", "y""" FROM "s"."a""b" LIMIT 0'
    assert query_of(PostgresExtractorConfig.model_validate(given)) == 'SELECT * FROM "a""b"'


@pytest.mark.parametrize(
    "options, message",
    [
        ({}, "either query or table"),
        ({"query": "SELECT 1", "table": "t"}, "either query or table"),
        ({"query": "SELECT 1", "schema": "s"}, "go with table"),
        ({"query": "SELECT 1", "limit": 1}, "go with table"),
        ({"table": "t", "columns": ["a", "a"]}, "more than once"),
        ({"table": "t\0"}, "pattern"),
        ({"table": "t", "limit": 1, "partition": {"column": "a", "parts": 2}}, "left out"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], message: str) -> None:
    connection = {"user": "u", "database": "d"}
    with pytest.raises(ValidationError, match=message):
        PostgresExtractorConfig.model_validate({"connection": connection, **options})


def test_a_query_is_sent_as_it_is(pg: PostgresDatabase, run: DriverRun) -> None:
    query = "SELECT '100 %' AS \"a%\", 'x%sy' AS b, '{}' AS c WHERE 'abc' LIKE '%b%' -- ; {0}"
    assert _rows(pg, run, query=query) == [{"a%": "100 %", "b": "x%sy", "c": "{}"}]
    with_casts = "SELECT '{}'::inet[] AS \"{}\", 'a' AS b;\n "
    assert _rows(pg, run, query=with_casts) == [{"{}": [], "b": "a"}]


def test_values_read_as_null_are_told(pg: PostgresDatabase, run: DriverRun) -> None:
    pg.execute(
        "CREATE TABLE t (a DATE, b TIMESTAMPTZ, n NUMERIC(5, 2), l DATE[]);"
        "INSERT INTO t VALUES ('infinity', '2024-01-01', 'NaN', '{2024-01-01,-infinity}'),"
        " ('0044-03-15 BC', '-infinity', 1, '{}'), ('2024-01-01', NULL, NULL, NULL)"
    )
    reader = _reader(pg, run, table="t")
    assert run.events == []
    table = reader.read_all()
    assert table["a"].null_count == 2
    told = [(e.code, e.count, e.message) for e in run.events if isinstance(e, DataWarning)]
    dates = "values (infinite or too distant dates or times) were read as NULL"
    assert told == [
        ("postgres.infinite_dates", 2, f"column 'a': 2 {dates}"),
        ("postgres.infinite_dates", 1, f"column 'b': 1 {dates}"),
        ("postgres.infinite_dates", 1, f"column 'l': 1 {dates}"),
        ("postgres.numeric_nan", 1, "column 'n': 1 values (NaN) were read as NULL"),
    ]
    assert run.metrics[MetricName.VALUES_NULLED] == 5
    with pytest.raises(DataError, match=r"column 'a' holds a date .* in row 1"):
        _rows(pg, run, table="t", infinite_dates="error")
    with pytest.raises(DataError, match=r"column 'n' holds NaN.* in row 1"):
        _rows(pg, run, table="t", columns=["n"], numeric_nan="error")


def test_nothing_is_told_when_nothing_was_changed(pg: PostgresDatabase, run: DriverRun) -> None:
    _rows(pg, run, query="SELECT DATE '2024-01-01' AS d, NULL AS n, 1::numeric(3) AS m")
    assert run.events == []
    assert run.metrics == {}


def test_an_error_while_reading_arrives_as_itself(pg: PostgresDatabase, run: DriverRun) -> None:
    reader = _reader(pg, run, query="SELECT 1 / (100000 - i) AS a FROM generate_series(1, 1e5) i")
    with pytest.raises(DataError, match="division by zero"):
        reader.read_all()


def test_a_reader_that_nobody_reads_does_not_stay_connected(
    pg: PostgresDatabase, run: DriverRun
) -> None:
    pg.execute("CREATE TABLE t (a INT)")
    reader = _reader(pg, run, table="t")
    del reader
    pg.execute("SET lock_timeout = '20s'; DROP TABLE t")  # waits for an open transaction
    run.cancelled.cancel()


def test_tls_files_lie_beside_the_pipeline(pg: PostgresDatabase, run: DriverRun) -> None:
    (run.root / "my-ca.pem").write_bytes(pg.server.certificates.ca.read_bytes())
    tls = {"mode": "verify_identity", "ca": "my-ca.pem"}
    connection = {**pg.connection(), "tls": tls}
    assert _rows(pg, run, query="SELECT 1 AS a", connection=connection) == [{"a": 1}]

"""Looking into databases that are files: SQLite and DuckDB."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import yaml

import osiris
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import DataError, StepTimeoutError, UsageError
from osiris.discovery.pipeline import pipeline_of
from tests.contracts.discoverer_contract import rows_of
from tests.support.driver_run import DriverRun

TABLES = """
CREATE TABLE customers (id BIGINT PRIMARY KEY, email VARCHAR(9) UNIQUE, name TEXT NOT NULL);
INSERT INTO customers VALUES (1, 'a@b.c', 'Ann'), (2, NULL, 'Bob');
CREATE TABLE orders (
  id BIGINT PRIMARY KEY, customer BIGINT REFERENCES customers (id), price DECIMAL(9, 2)
);
INSERT INTO orders VALUES (1, 1, 2.50);
CREATE VIEW names AS SELECT name FROM customers;
"""


def _sqlite(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(sql)
    connection.close()


def _duckdb(path: Path, sql: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)


Make = Callable[[Path, str], None]
FAMILIES = [
    ("sqlite.extractor", "shop.sqlite", None, _sqlite),
    ("duckdb.extractor", "shop.duckdb", "main", _duckdb),
]
each_family = pytest.mark.parametrize("component,name,schema,make", FAMILIES)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, which is the current directory."""
    (tmp_path / "osiris.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@each_family
def test_tables_columns_keys_and_samples(
    project: Path, component: str, name: str, schema: str | None, make: Make
) -> None:
    make(project / name, TABLES)
    found = osiris.discover(name, samples=2)
    assert (found.component, found.connection, found.target) == (component, None, name)
    customers, names, orders = found.tables
    assert [(t.name, t.kind, t.schema) for t in found.tables] == [
        ("customers", "table", schema),
        ("names", "view", schema),
        ("orders", "table", schema),
    ]
    assert [column.nullable for column in customers.columns][1:] == [True, False]
    assert [(key.kind, key.columns) for key in customers.keys] == [
        ("primary", ("id",)),
        ("unique", ("email",)),
    ]
    (foreign,) = [key for key in orders.keys if key.kind == "foreign"]
    assert foreign.references == ("customers" if schema is None else "main.customers")
    assert (foreign.columns, foreign.referenced_columns) == (("customer",), ("id",))
    assert orders.columns[2].native_type.replace(" ", "") == "DECIMAL(9,2)"
    assert [row["email"] for row in rows_of(customers)] == ["***", None]
    assert rows_of(names) == [{"name": "Ann"}, {"name": "Bob"}]
    assert not any(table.problems for table in found.tables)


@each_family
def test_types_are_the_extractors_and_the_pipeline_runs(
    project: Path, component: str, name: str, schema: str | None, make: Make
) -> None:
    del schema
    make(project / name, TABLES)
    found = osiris.discover(name)
    for table in found.tables:
        read: dict[str, Any] = dict(table.read or {})
        outputs = DriverRun(project).run(DriverRegistry().component(component), {}, **read)
        told = [(column.name, column.arrow_type) for column in table.columns]
        given = pa.RecordBatchReader.from_stream(outputs["df"]).read_all().schema
        assert told == [(field.name, str(field.type)) for field in given]
    document = pipeline_of([found], "copy")
    (project / "copy.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    done = osiris.run_pipeline("copy.yaml")
    assert done.ok, done.status
    assert len(list((project / "output").iterdir())) == 3


@each_family
def test_what_is_not_there_is_told(
    project: Path, component: str, name: str, schema: str | None, make: Make
) -> None:
    del component, schema
    make(project / name, TABLES)
    with pytest.raises(UsageError, match="no table 'customer'") as told:
        osiris.discover(name, tables=["customer"])
    assert told.value.hint == "did you mean 'customers'?"
    (project / name).write_bytes(b"no database at all, but long enough" * 400)
    with pytest.raises(DataError):
        osiris.discover(name)


@each_family
def test_it_ends_in_time(
    project: Path, component: str, name: str, schema: str | None, make: Make
) -> None:
    del component, schema
    endless = (
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS"
        " (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS most FROM n"
    )
    make(project / name, endless)
    with pytest.raises(StepTimeoutError):
        osiris.discover(name, samples=1, seconds=1)


def test_schemas_of_duckdb(project: Path) -> None:
    _duckdb(
        project / "a.duckdb",
        "CREATE SCHEMA other; CREATE TABLE other.t (a INT); COMMENT ON COLUMN other.t.a IS 'hi'",
    )
    (table,) = osiris.discover("a.duckdb", schema="other").tables
    assert table.read == {"path": "a.duckdb", "schema": "other", "table": "t", "columns": ["a"]}
    assert table.columns[0].comment == "hi"
    with pytest.raises(UsageError, match="no schema 'othr'"):
        osiris.discover("a.duckdb", schema="othr")


def test_a_column_of_several_kinds_is_a_problem_of_its_table(project: Path) -> None:
    _sqlite(project / "a.db", "CREATE TABLE mixed (x); INSERT INTO mixed VALUES (1), ('a')")
    (table,) = osiris.discover("a.db", samples=1).tables
    assert "values of several kinds" in table.problems[0]

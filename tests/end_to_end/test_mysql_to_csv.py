"""The main job on a real server: MySQL to CSV, value by value, and back."""

import csv
import io
import itertools
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Database
from tests.end_to_end.mysql_project import MySQLProject

_numbers = itertools.count()

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "BIGINT UNSIGNED": st.integers(0, 2**64 - 1),
    "INT": st.integers(-(2**31), 2**31 - 1),
    "SMALLINT UNSIGNED": st.integers(0, 65535),
    "DECIMAL(20,4)": st.decimals(-(10**15), 10**15, places=4, allow_nan=False),
    "DECIMAL(65,30)": st.decimals(-(10**9), 10**9, places=30, allow_nan=False),
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False),
    "DATE": st.dates(min_value=date(1000, 1, 1)),
    "VARCHAR(60) CHARACTER SET utf8mb4": TEXTS,
    "LONGTEXT CHARACTER SET utf8mb4": TEXTS,
}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[Any]]]:
    """Random columns and rows, NULLs among them."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6))
    row = st.tuples(*(st.none() | KINDS[kind] for kind in kinds)).map(list)
    return kinds, draw(st.lists(row, max_size=25))


def create(database: Database, name: str, kinds: list[str], rows: list[list[Any]]) -> None:
    columns = ", ".join(f"c{i} {kind} NULL" for i, kind in enumerate(kinds))
    key = "k INT PRIMARY KEY AUTO_INCREMENT"
    database.execute(f"CREATE TABLE {name} ({key}, {columns}) DEFAULT CHARSET utf8mb4")
    for row in rows:
        values = ", ".join("NULL" if v is None else sql_text(v) for v in row)
        database.execute(f"INSERT INTO {name} VALUES (NULL, {values})")


def sql_text(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value) if isinstance(value, float) else None
    data = (str(value) if text is None else text).encode()
    return f"CONVERT(X'{data.hex()}' USING utf8mb4)" if data else "''"


def as_python(kind: str, text: str) -> Any:
    return float(text) if kind == "DOUBLE" else text


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(table=tables())
def test_random_tables_arrive_value_by_value(
    tmp_path_factory: pytest.TempPathFactory,
    database: Database,
    table: tuple[list[str], list[list[Any]]],
) -> None:
    kinds, rows = table
    name = f"t{next(_numbers)}"
    create(database, name, kinds, rows)
    project = MySQLProject.create(tmp_path_factory.mktemp("p"), database)
    result = project.run((name, {"query": f"SELECT * FROM {name} ORDER BY k"}))
    assert result.ok, result.status.error
    assert result.status.total_rows == len(rows)
    cells = ", ".join(f"CAST(c{i} AS CHAR CHARACTER SET utf8mb4)" for i in range(len(kinds)))
    printed = database.execute(f"SELECT k, {cells} FROM {name} ORDER BY k")
    path = project.output(name)
    read = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline="")))
    assert read[0] == ["k", *(f"c{i}" for i in range(len(kinds)))]
    for line, server in zip(read[1:], printed, strict=True):
        for kind, cell, expected in zip(["INT", *kinds], line, server, strict=True):
            shown = "" if expected is None else str(expected)
            assert as_python(kind, cell or "0") == as_python(kind, shown or "0")
    types = ", ".join(f"'{c}': 'VARCHAR'" for c in read[0])
    reading = (
        f"SELECT * FROM read_csv('{path}', auto_detect=false, header=true, delim=',', quote='\"', "
        f"escape='\"', columns={{{types}}}, nullstr=[''], allow_quoted_nulls=false)"
    )
    again = duckdb.connect().execute(reading).fetchall()
    for found, server in zip(again, printed, strict=True):
        assert [cell is None for cell in found] == [value is None for value in server]


def test_null_and_empty_text_stay_apart(tmp_path: Path, database: Database) -> None:
    database.script("CREATE TABLE t (a TEXT, b INT); INSERT INTO t VALUES ('', 1), (NULL, 2)")
    project = MySQLProject.create(tmp_path, database)
    assert project.run(("t", {"query": "SELECT a, b FROM t ORDER BY b"})).ok
    assert project.output("t").read_text() == '"a","b"\n"",1\n,2\n'


def test_a_query_with_percent_signs_and_expressions(tmp_path: Path, database: Database) -> None:
    database.script("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('Actor 1'), ('Actor 2')")
    project = MySQLProject.create(tmp_path, database)
    query = "SELECT upper(a) AS u, 7 % 4 AS m FROM t WHERE a LIKE 'Actor 1%'"
    assert project.run(("t", {"query": query})).ok
    assert project.output("t").read_text() == '"u","m"\n"ACTOR 1",3\n'

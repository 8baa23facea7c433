"""Reading ranges at once: every row once, in the same order, of one state of the data."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.components.postgres_extractor import COMPONENT
from osiris.core.errors import ConfigError, DataError, StepError, TransientStepError
from osiris.core.events import DataWarning
from osiris.core.metrics import MetricName
from tests.support.driver_run import DriverRun
from tests.support.postgres import PostgresDatabase

SECONDS = 60.0
LONG = "SELECT i AS id, slow(i) AS w FROM generate_series(1, 60000) AS i"
SLOW = (
    "CREATE FUNCTION slow(i int) RETURNS text LANGUAGE plpgsql STABLE AS $$ BEGIN"
    " IF i % 100 = 0 THEN PERFORM pg_sleep(0.2); END IF; RETURN repeat('x', 200); END $$"
)


@pytest.fixture
def run(tmp_path: Path) -> DriverRun:
    return DriverRun(tmp_path)


def reader_of(pg: PostgresDatabase, run: DriverRun, **options: Any) -> pa.RecordBatchReader:
    """Begin reading with the driver."""
    reader = run.run(COMPONENT, {}, **{"connection": pg.connection(), **options})["df"]
    assert isinstance(reader, pa.RecordBatchReader)
    return reader


def table_of(pg: PostgresDatabase, run: DriverRun, **options: Any) -> pa.Table:
    """Read with the driver."""
    return reader_of(pg, run, **options).read_all()


def parts(column: str, count: int = 3) -> dict[str, Any]:
    return {"column": column, "parts": count}


@pytest.fixture
def keyed(pg: PostgresDatabase) -> PostgresDatabase:
    """A table whose key has gaps, and columns of every kind that can be cut."""
    pg.execute(
        "CREATE TABLE t AS SELECT i * 3 - 500 AS id, i::smallint AS s, i * 9000000000000000"
        " AS b, i::oid AS o, DATE '1000-01-01' + i * 3000 AS d,"
        " TIMESTAMP '1969-12-31 23:00' + i * INTERVAL '12.000001 s' AS at,"
        " TIMESTAMPTZ '2000-01-01 00:00+03' + i * INTERVAL '1 hour' AS tz,"
        " CASE WHEN i % 3 > 0 THEN 7 END AS few, NULL::int AS none, 'w' || i AS word"
        " FROM generate_series(1, 1000) AS i;"
        "UPDATE t SET b = NULL, d = NULL, at = NULL, tz = NULL WHERE id % 5 = 0;"
        "UPDATE t SET d = 'infinity', at = '-infinity', tz = '0044-03-15 BC' WHERE id % 7 = 0;"
        f"ALTER DATABASE {pg.name} SET timezone = 'America/New_York'"
    )
    return pg


@pytest.mark.parametrize("count", [2, 3, 7])
def test_ranges_of_the_key_are_the_table(
    keyed: PostgresDatabase, run: DriverRun, count: int
) -> None:
    whole = table_of(keyed, run, query="SELECT * FROM t ORDER BY id")
    query = "SELECT * FROM t ORDER BY id; -- not so".replace("; --", " --")
    assert table_of(keyed, run, query=query, partition=parts("id", count)).equals(whole)
    unordered = table_of(keyed, run, table="t", partition=parts("id", count))
    assert unordered.sort_by("id").equals(whole)
    assert table_of(keyed, run, table="t", partition=parts("id", count)).equals(unordered)


@pytest.mark.parametrize("column", ["s", "b", "o", "d", "at", "tz", "few", "none"])
def test_every_row_comes_once_and_nulls_come_first(
    keyed: PostgresDatabase, run: DriverRun, column: str
) -> None:
    whole = table_of(keyed, run, query=f"SELECT id, word, {column} FROM t ORDER BY id")
    columns = ["id", "word", column]
    found = table_of(keyed, run, table="t", columns=columns, partition=parts(column, 4))
    again = table_of(keyed, run, table="t", columns=columns, partition=parts(column, 4))
    assert found.equals(again)
    assert found.sort_by("id").equals(whole)
    query = (
        f"SELECT id FROM (SELECT id, {column} FROM t WHERE {column} IS NOT NULL) AS q"
        f" ORDER BY {column}"
    )
    if column not in {"few", "none"}:
        # Ranges ascend: half of the rows cannot be before the other half.
        ascending = [row[0] for row in keyed.execute(query)]
        first_of_last = found["id"].to_pylist()[-1]
        assert ascending.index(first_of_last) > len(ascending) / 2


def test_the_column_need_not_be_read(keyed: PostgresDatabase, run: DriverRun) -> None:
    found = table_of(keyed, run, table="t", columns=["word"], partition=parts("id"))
    assert sorted(found["word"].to_pylist()) == sorted(f"w{number}" for number in range(1, 1001))
    assert found.column_names == ["word"]


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_fewer_rows_than_ranges(pg: PostgresDatabase, run: DriverRun, rows: int) -> None:
    pg.execute(f'CREATE TABLE t AS SELECT i AS "a""b" FROM generate_series(1, {rows}) AS i')
    found = table_of(pg, run, table="t", partition=parts('a"b', 32))
    assert found.to_pydict() == {'a"b': list(range(1, rows + 1))}


def test_types_that_are_asked_for_as_texts(pg: PostgresDatabase, run: DriverRun) -> None:
    query = "SELECT i AS id, i::numeric AS n, int4range(0, i) AS r FROM generate_series(1, 4) AS i"
    found = table_of(pg, run, query=query, partition=parts("id", 2))
    assert found["n"].to_pylist() == ["1", "2", "3", "4"]
    assert found["r"].to_pylist() == ["[0,1)", "[0,2)", "[0,3)", "[0,4)"]


def test_values_read_as_null_are_counted_over_all_ranges(
    keyed: PostgresDatabase, run: DriverRun
) -> None:
    table_of(keyed, run, table="t", columns=["id", "d", "at"], partition=parts("id", 2))
    (lost,) = keyed.execute("SELECT count(*) FROM t WHERE d = 'infinity'")[0]
    told = [event.count for event in run.events if isinstance(event, DataWarning)]
    assert told == [lost, lost]
    assert run.metrics[MetricName.VALUES_NULLED] == 2 * lost


@pytest.mark.parametrize("column,kind", [("word", "string"), ("x", "double"), ("n", "decimal")])
def test_a_column_that_cannot_be_cut(
    pg: PostgresDatabase, run: DriverRun, column: str, kind: str
) -> None:
    pg.execute("CREATE TABLE t (word TEXT, x FLOAT8, n NUMERIC(5,2))")
    with pytest.raises(ConfigError, match=f"partition.column '{column}' has type {kind}"):
        table_of(pg, run, table="t", partition=parts(column))


def test_a_column_that_is_not_there(keyed: PostgresDatabase, run: DriverRun) -> None:
    with pytest.raises(ConfigError, match="not one of the columns"):
        table_of(keyed, run, table="t", partition=parts("nobody"))
    with pytest.raises(ConfigError, match="no such column"):
        table_of(keyed, run, table="t", columns=["id"], partition=parts("nobody"))


# --- one state of the data ----------------------------------------------------------------------


@pytest.fixture
def busy(pg: PostgresDatabase) -> Iterator[PostgresDatabase]:
    """Two accounts in different ranges whose sum never changes, while somebody transfers."""
    pg.execute("CREATE TABLE t (id INT PRIMARY KEY, amount INT)")
    pg.execute("INSERT INTO t VALUES (1, 1000), (1000, 0)")
    stop = threading.Event()

    def transfer() -> None:
        with pg.admin() as connection:
            while not stop.is_set():
                with connection.transaction():
                    connection.execute("UPDATE t SET amount = amount - 1 WHERE id = 1")
                    connection.execute("UPDATE t SET amount = amount + 1 WHERE id = 1000")

    clerk = threading.Thread(target=transfer)
    clerk.start()
    yield pg
    stop.set()
    clerk.join(SECONDS)


def test_all_ranges_see_one_state(busy: PostgresDatabase, run: DriverRun) -> None:
    seen = set()
    for _ in range(15):
        found = table_of(busy, run, table="t", partition=parts("id", 2))
        assert sum(found["amount"].to_pylist()) == 1000
        seen.add(found["amount"][0].as_py())
    assert len(seen) > 1  # somebody did transfer


# --- faults -------------------------------------------------------------------------------------


def _running(pg: PostgresDatabase) -> list[int]:
    asked = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY %%' AND datname = %s"
    rows = pg.execute(f"{asked} AND state = 'active' ORDER BY backend_start", [pg.name])
    return [row[0] for row in rows]


def test_a_range_whose_connection_is_killed(pg: PostgresDatabase, run: DriverRun) -> None:
    pg.execute(SLOW)
    reader = reader_of(pg, run, query=LONG, partition=parts("id"))
    next(iter(reader))
    pg.execute("SELECT pg_terminate_backend(%s)", [_running(pg)[-1]])
    with pytest.raises(TransientStepError):
        for _ in reader:
            pass


def test_an_error_in_a_later_range(pg: PostgresDatabase, run: DriverRun) -> None:
    query = "SELECT i AS id, 1 / (3000 - i) AS x FROM generate_series(1, 3000) AS i"
    with pytest.raises(DataError, match="division by zero"):
        table_of(pg, run, query=query, partition=parts("id"))


def test_stopping_stops_every_range_on_the_server(pg: PostgresDatabase, run: DriverRun) -> None:
    pg.execute(SLOW)
    reader = reader_of(pg, run, query=LONG, partition=parts("id"))
    next(iter(reader))
    run.cancelled.cancel(StepError("enough"))
    with pytest.raises(StepError, match="enough"):
        for _ in reader:
            pass
    deadline = time.monotonic() + SECONDS
    while _running(pg):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_waits_goes_to_disk(pg: PostgresDatabase, run: DriverRun) -> None:
    """Later ranges are read while nobody takes the first, and memory is bounded."""
    query = "SELECT i AS id, repeat('x', 700) AS w FROM generate_series(1, 200000) AS i"
    reader = reader_of(pg, run, query=query, partition=parts("id"))
    assert next(iter(reader)).column(0)[0].as_py() == 1
    deadline = time.monotonic() + SECONDS
    while _running(pg):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    ids = [number for batch in reader for number in batch.column(0).to_pylist()]
    assert ids[-1] == 200_000
    assert ids == sorted(ids)
    assert run.metrics[MetricName.BYTES_SPILLED] > 10 << 20

"""Reading ranges at once: every row once, in the same order, of one state of the data."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pymysql
import pytest

from osiris.components.mysql_extractor import COMPONENT, MySQLExtractorConfig
from osiris.core.errors import ConfigError, MissingRightError, StepError, TransientStepError
from osiris.core.events import DataWarning
from osiris.core.metrics import MetricName
from osiris.drivers.mysql.partition_reading import read_ranges
from osiris.drivers.mysql.reader import ReadOptions
from tests.conftest import Database
from tests.support.driver_run import DriverRun
from tests.support.waiting import wait_for

SECONDS = 60.0


@pytest.fixture
def run(tmp_path: Path) -> DriverRun:
    return DriverRun(tmp_path)


def table_of(database: Database, run: DriverRun, **options: Any) -> pa.Table:
    """Read with the driver; the connection may be given."""
    reader = run.run(COMPONENT, {}, **{"connection": database.connection(), **options})["df"]
    assert isinstance(reader, pa.RecordBatchReader)
    return reader.read_all()


def parts(column: str, count: int = 3, snapshot: str = "one") -> dict[str, Any]:
    return {"column": column, "parts": count, "snapshot": snapshot}


@pytest.fixture
def keyed(database: Database) -> Database:
    """A table whose key has gaps, and columns of every kind that can be cut."""
    database.script(
        "CREATE TABLE t (id INT PRIMARY KEY, u BIGINT UNSIGNED, d DATE, at DATETIME(6),"
        " ts TIMESTAMP(3) NULL, y YEAR, few INT, none INT, word VARCHAR(20));"
        "INSERT INTO t SELECT CAST(seq AS SIGNED) * 3 - 500, seq * 18000000000000000,"
        " DATE '1000-01-01' + INTERVAL seq * 3000 DAY,"
        " TIMESTAMP '1969-12-31 23:00:00' + INTERVAL seq * 12.000001 SECOND,"
        " TIMESTAMP '2000-01-01 00:00:00' + INTERVAL seq HOUR, 1990 + seq MOD 50,"
        " IF(seq % 3, 7, NULL), NULL, CONCAT('w', seq) FROM seq_1_to_1000;"
        "UPDATE t SET u = NULL, d = NULL, at = NULL, ts = NULL, y = NULL WHERE id % 5 = 0;"
        "UPDATE t SET u = 18446744073709551615 WHERE id = 2500;"
    )
    return database


@pytest.mark.parametrize("count", [2, 3, 7])
def test_ranges_of_the_key_are_the_table(keyed: Database, run: DriverRun, count: int) -> None:
    whole = table_of(keyed, run, table="t")
    assert table_of(keyed, run, table="t", partition=parts("id", count)).equals(whole)
    query = "SELECT * FROM t -- all of it"
    assert table_of(keyed, run, query=query, partition=parts("id", count)).equals(whole)


@pytest.mark.parametrize("column", ["u", "d", "at", "ts", "y", "few", "none"])
@pytest.mark.parametrize("snapshot", ["one", "each"])
def test_every_row_comes_once_and_nulls_come_first(
    keyed: Database, run: DriverRun, column: str, snapshot: str
) -> None:
    whole = table_of(keyed, run, table="t")
    columns = ["id", "word", column]
    found = table_of(keyed, run, table="t", columns=columns, partition=parts(column, 4, snapshot))
    again = table_of(keyed, run, table="t", columns=columns, partition=parts(column, 4, snapshot))
    assert found.equals(again)
    assert found.sort_by("id").equals(whole.select(columns).sort_by("id"))
    values = found[column].to_pylist()
    last_null = max((at for at, value in enumerate(values) if value is None), default=-1)
    present = [value for value in values if value is not None]
    if column not in {"few", "none"}:
        # Ranges ascend: the last quarter of the values' span is where the rows end.
        least, greatest = min(present), max(present)
        assert values[-1] > least + (greatest - least) / 2
        assert last_null < len(values) - 1


def test_the_column_need_not_be_read(keyed: Database, run: DriverRun) -> None:
    found = table_of(keyed, run, table="t", columns=["word"], partition=parts("id"))
    assert found.to_pydict() == {"word": [f"w{number}" for number in range(1, 1001)]}


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_fewer_rows_than_ranges(database: Database, run: DriverRun, rows: int) -> None:
    database.execute("CREATE TABLE t (`a``b` INT PRIMARY KEY)")
    for number in range(rows):
        database.execute(f"INSERT INTO t VALUES ({number})")
    found = table_of(database, run, table="t", partition=parts("a`b", 32))
    assert found.to_pydict() == {"a`b": list(range(rows))}


def test_zero_dates_are_counted_over_all_ranges(database: Database, run: DriverRun) -> None:
    database.script(
        "SET sql_mode = ''; CREATE TABLE t (id INT PRIMARY KEY, d DATE);"
        "INSERT INTO t VALUES (1, '0000-00-00'), (2, '2024-01-01'), (3, '2024-00-10'), (4, NULL)"
    )
    found = table_of(database, run, table="t", partition=parts("id", 2))
    assert found["d"].null_count == 3
    told = [event for event in run.events if isinstance(event, DataWarning)]
    assert [event.count for event in told] == [2]
    assert run.metrics == {MetricName.VALUES_NULLED: 2}
    # Where the least value is a date that is none, there is one range.
    assert table_of(database, run, table="t", partition=parts("d", 2)).num_rows == 4


@pytest.mark.parametrize("column,kind", [("word", "string"), ("x", "double"), ("n", "decimal")])
def test_a_column_that_cannot_be_cut(
    database: Database, run: DriverRun, column: str, kind: str
) -> None:
    database.execute("CREATE TABLE t (word TEXT, x DOUBLE, n DECIMAL(5,2))")
    with pytest.raises(ConfigError, match=f"partition.column '{column}': values of type {kind}"):
        table_of(database, run, table="t", partition=parts(column))


def test_a_column_that_is_not_there(keyed: Database, run: DriverRun) -> None:
    with pytest.raises(ConfigError, match="no such column"):
        table_of(keyed, run, table="t", partition=parts("nobody"))


# --- one state of the data ----------------------------------------------------------------------


@pytest.fixture
def bank(database: Database) -> Database:
    """Two accounts in different ranges whose sum never changes."""
    database.script(
        "CREATE TABLE t (id INT PRIMARY KEY, amount INT) ENGINE=InnoDB;"
        "INSERT INTO t VALUES (1, 1000), (1000, 0)"
    )
    return database


def _transfer(database: Database, stop: threading.Event) -> None:
    connection = pymysql.connect(
        unix_socket=database.server.socket, user="root", database=database.name
    )
    with connection, connection.cursor() as cursor:
        while not stop.is_set():
            cursor.execute("UPDATE t SET amount = amount - 1 WHERE id = 1")
            cursor.execute("UPDATE t SET amount = amount + 1 WHERE id = 1000")
            connection.commit()


@pytest.fixture
def busy(bank: Database) -> Iterator[Database]:
    """The same while somebody transfers without a pause."""
    stop = threading.Event()
    clerk = threading.Thread(target=_transfer, args=(bank, stop))
    clerk.start()
    yield bank
    stop.set()
    clerk.join()


@pytest.mark.parametrize("source", [{"table": "t"}, {"query": "SELECT * FROM t"}], ids=["t", "q"])
def test_all_ranges_see_one_state(busy: Database, run: DriverRun, source: dict[str, str]) -> None:
    for _ in range(25):
        found = table_of(busy, run, **source, partition=parts("id", 2))
        assert sum(found["amount"].to_pylist()) == 1000


def test_a_transaction_that_is_open_is_waited_for(bank: Database, run: DriverRun) -> None:
    """Else it could be committed between the snapshot of one range and that of the next."""
    connection = pymysql.connect(unix_socket=bank.server.socket, user="root", database=bank.name)
    found: list[pa.Table] = []
    with connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (2, 5), (999, -5)")
        reading = threading.Thread(
            target=lambda: found.append(table_of(bank, run, table="t", partition=parts("id", 2)))
        )
        reading.start()
        while not bank.execute(
            "SELECT 1 FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'"
        ):
            assert reading.is_alive()
        connection.commit()
        reading.join(SECONDS)
    assert found[0]["id"].to_pylist() == [1, 2, 999, 1000]


def test_a_lock_that_is_not_to_be_had_is_transient(bank: Database, run: DriverRun) -> None:
    connection = pymysql.connect(unix_socket=bank.server.socket, user="root", database=bank.name)
    config = MySQLExtractorConfig.model_validate(
        {"connection": bank.connection(), "table": "t", "partition": parts("id", 2)}
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (2, 5)")
        with pytest.raises(TransientStepError, match="too long for a lock"):
            read_ranges(config, ReadOptions(lock_seconds=1))
        # Nobody waits for a lock that was given up.
        cursor.execute("UPDATE t SET amount = 3 WHERE id = 1000")
        connection.commit()
    assert table_of(bank, run, table="t", partition=parts("id", 2)).num_rows == 3


def test_the_lock_is_gone_when_the_rows_come(bank: Database, run: DriverRun) -> None:
    reader = run.run(
        COMPONENT, {}, connection=bank.connection(), table="t", partition=parts("id", 2)
    )["df"]
    bank.script("SET lock_wait_timeout = 5; INSERT INTO t VALUES (5, 5)")
    assert reader.read_all().num_rows == 2


@pytest.mark.parametrize(
    "source,privilege",
    [({"table": "t"}, "LOCK TABLES"), ({"query": "SELECT * FROM t"}, "RELOAD")],
    ids=["table", "query"],
)
def test_an_account_that_may_only_read(
    bank: Database, run: DriverRun, source: dict[str, str], privilege: str
) -> None:
    bank.script(
        "DROP USER IF EXISTS reader; CREATE USER reader IDENTIFIED BY 'r';"
        f"GRANT SELECT ON {bank.name}.* TO reader@'%'"
    )
    connection = {**bank.connection(), "user": "reader", "password": "r"}
    with pytest.raises(MissingRightError) as caught:
        table_of(bank, run, connection=connection, **source, partition=parts("id", 2))
    assert "may not take" in caught.value.message
    assert privilege in str(caught.value.hint)
    assert "snapshot: each" in str(caught.value.hint)
    weaker = parts("id", 2, "each")
    assert table_of(bank, run, connection=connection, **source, partition=weaker).num_rows == 2
    bank.execute(f"GRANT {privilege} ON *.* TO reader@'%'")
    found = table_of(bank, run, connection=connection, **source, partition=parts("id", 2))
    assert found.num_rows == 2


def test_an_engine_without_snapshots(database: Database, run: DriverRun) -> None:
    database.script("CREATE TABLE t (id INT) ENGINE=MyISAM; INSERT INTO t VALUES (1), (2)")
    with pytest.raises(ConfigError, match="engine without transactions"):
        table_of(database, run, table="t", partition=parts("id", 2))
    assert table_of(database, run, table="t", partition=parts("id", 2, "each")).num_rows == 2


def test_a_view_can_be_read_in_ranges(bank: Database, run: DriverRun) -> None:
    bank.execute("CREATE VIEW v AS SELECT id, amount FROM t")
    assert table_of(bank, run, table="v", partition=parts("id", 2)).num_rows == 2


# --- faults -------------------------------------------------------------------------------------


def _threads(database: Database) -> int:
    return len(
        database.execute(
            "SELECT 1 FROM information_schema.processlist WHERE command <> 'Sleep'"
            " AND info LIKE '%seq_1_to_100000000%' AND info NOT LIKE '%processlist%'"
        )
    )


LONG = "SELECT seq AS id, REPEAT('x', 200) AS w FROM seq_1_to_100000000"


def test_a_range_whose_connection_is_killed(database: Database, run: DriverRun) -> None:
    reader = run.run(
        COMPONENT,
        {},
        connection=database.connection(),
        query=LONG,
        partition={"column": "id", "parts": 3},
    )["df"]
    next(iter(reader))
    last = database.execute(
        "SELECT MAX(id) FROM information_schema.processlist"
        " WHERE info LIKE '%seq_1_to_100000000%' AND info NOT LIKE '%processlist%'"
    )[0][0]
    database.execute(f"KILL {last}")
    with pytest.raises(TransientStepError):
        for _ in reader:
            pass


def test_stopping_stops_every_range_on_the_server(database: Database, run: DriverRun) -> None:
    reader = run.run(
        COMPONENT,
        {},
        connection=database.connection(),
        query=LONG,
        partition={"column": "id", "parts": 3},
    )["df"]
    next(iter(reader))
    run.cancelled.cancel(StepError("enough"))
    with pytest.raises(StepError, match="enough"):
        for _ in reader:
            pass
    wait_for(lambda: _threads(database) == 0)


def test_what_waits_goes_to_disk(database: Database, run: DriverRun) -> None:
    """Later ranges are read while nobody takes the first, and memory is bounded."""
    query = "SELECT seq AS id, REPEAT('x', 500) AS w FROM seq_1_to_300000"
    reader = run.run(
        COMPONENT,
        {},
        connection=database.connection(),
        query=query,
        partition={"column": "id", "parts": 3},
    )["df"]
    assert next(iter(reader)).column(0)[0].as_py() == 1
    running = (
        "SELECT 1 FROM information_schema.processlist"
        " WHERE info LIKE '%seq_1_to_300000%' AND info NOT LIKE '%processlist%'"
    )
    wait_for(lambda: not database.execute(running))
    ids = [number for batch in reader for number in batch.column(0).to_pylist()]
    assert ids[-1] == 300_000
    assert ids == sorted(ids)
    assert run.metrics[MetricName.BYTES_SPILLED] > 10 << 20

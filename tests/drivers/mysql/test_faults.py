"""What happens to a reading when the server dies, is slow, says no in the middle, or we stop."""

import contextlib
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pymysql
import pytest

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import (
    AuthenticationError,
    CancelledError,
    ConfigError,
    DataError,
    OsirisError,
    StepError,
    StepTimeoutError,
    SystemStepError,
    TransientStepError,
    UnknownDatabaseError,
)
from osiris.drivers.mysql.connect import open_wire
from osiris.drivers.mysql.errors import server_error
from osiris.drivers.mysql.reader import QueryReader, ReadOptions, read_query
from tests.conftest import Database
from tests.support.mariadb import MariaDBServer
from tests.support.mysql import MYSQLD, make_database, private_server
from tests.support.mysql_loopback import LoopbackServer, Script
from tests.support.mysql_reading import NO_TLS, pymysql_rows, read, rows, settings
from tests.support.waiting import wait_for

# Runs for hours without a row, and looks at nothing meanwhile but whether it is killed.
SILENT = "SELECT 1 AS n FROM seq_1_to_9999999 AS a, seq_1_to_9999999 AS b WHERE a.seq * b.seq = 0"
LONG = "SELECT seq AS id, REPEAT('x', 200) AS w FROM seq_1_to_100000000"
WAYS = pytest.mark.parametrize("way", ["tcp", "socket", "tls"])


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[MariaDBServer]:
    """A server that a test may kill."""
    with private_server()(tmp_path / "m") as server:
        make_database(server, "d", LONG)
        yield server


def _to(server: MariaDBServer) -> MySQLConnection:
    given = {**server.connection("d"), "tls": NO_TLS}
    return MySQLConnection.model_validate(given)


def _running(database: Database, marker: str) -> list[tuple[int, str]]:
    shown = database.execute("SHOW FULL PROCESSLIST")
    return [(row[0], row[7]) for row in shown if row[7] and marker in str(row[7])]


def _wait_until_gone(database: Database, marker: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while [row for row in _running(database, marker) if "PROCESSLIST" not in row[1]]:
        assert time.monotonic() < deadline, "the server still runs the query"
        time.sleep(0.05)


# --- the server goes --------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_a_server_that_goes_in_the_middle_is_transient(mortal: MariaDBServer, how: str) -> None:
    _, batches = read_query(_to(mortal), LONG, ReadOptions())
    taken = next(batches).num_rows
    end = threading.Timer(0.3, getattr(mortal, how))
    end.start()
    try:
        for batch in batches:
            taken += batch.num_rows
    except TransientStepError as caught:
        error = caught
    else:
        pytest.fail("the rows of a server that is gone came to an end")
    end.join()
    assert f"127.0.0.1:{mortal.port}" in error.message
    counted = re.search(r"after (\d+) rows", error.message)
    assert counted or how == "stop"  # then the server may still say itself that it stops
    assert not counted or taken <= int(counted[1]) <= taken + 20_000
    mortal.start()
    assert rows(read(_to(mortal), "SELECT 1 AS a")) == [(1,)]


def test_a_server_that_is_killed_before_the_first_row(mortal: MariaDBServer) -> None:
    threading.Timer(0.5, mortal.kill).start()
    with pytest.raises(TransientStepError, match=r"lost the connection to MySQL at 127\.0\.0\.1:"):
        read(_to(mortal), "SELECT SLEEP(60) AS s")


@pytest.mark.parametrize("what", ["CONNECTION", "QUERY"])
@pytest.mark.parametrize("sql", [LONG, "SELECT SLEEP(50) AS kill_me"])
def test_a_query_killed_by_somebody_is_transient(database: Database, what: str, sql: str) -> None:
    def kill() -> None:
        for number, text in _running(database, sql):
            if "PROCESSLIST" not in text:
                database.execute(f"KILL {what} {number}")

    timer = threading.Timer(0.5, kill)
    timer.start()
    if what == "QUERY" and "SLEEP" in sql:
        # MariaDB lets a SLEEP that is killed return 1 and ends the statement with an error.
        with contextlib.suppress(TransientStepError):
            read(settings(database), sql)
    else:
        with pytest.raises(TransientStepError):
            for _ in read_query(settings(database), sql, ReadOptions())[1]:
                pass
    timer.join()


def test_a_statement_that_takes_too_long_for_the_server(database: Database) -> None:
    sql = "SET STATEMENT max_statement_time = 0.3 FOR SELECT * FROM seq_1_to_100000000"
    if MYSQLD:
        sql = "SELECT /*+ MAX_EXECUTION_TIME(300) */ * FROM seq_1_to_100000000"
    with pytest.raises(TransientStepError, match=r"longer than max_(statement|execution)_time"):
        for _ in read_query(settings(database), sql, ReadOptions())[1]:
            pass


def test_a_reader_that_is_slow_is_waited_for(tmp_path: Path) -> None:
    with private_server()(tmp_path / "m", options=["--net-write-timeout=1"]) as server:
        sql = "SELECT seq AS id, REPEAT('x', 1000) AS w FROM seq_1_to_100000"
        make_database(server, "d", sql)
        _, batches = read_query(_to(server), sql, ReadOptions())
        taken = next(batches).num_rows
        time.sleep(3)
        assert taken + sum(batch.num_rows for batch in batches) == 100_000


# --- the server says no in the middle ---------------------------------------------------------


@WAYS
def test_an_error_in_the_middle_of_a_result(database: Database, way: str) -> None:
    database.script("CREATE TABLE u (k INT); INSERT INTO u VALUES (90000), (90000);")
    sql = "SELECT seq AS id, (SELECT k FROM u WHERE u.k = seq) AS k FROM seq_1_to_100000"
    _, batches = read_query(settings(database, way), sql, ReadOptions(buffer_bytes=100_000))
    assert next(batches).num_rows > 0
    with pytest.raises(DataError, match=r"more than one row.*MySQL error 1242"):
        list(batches)


def test_a_value_out_of_range_is_the_datas_fault(database: Database) -> None:
    with pytest.raises(DataError, match="out of range"):
        read(settings(database), "SELECT 18446744073709551615 + seq AS a FROM seq_1_to_10")


# --- we stop ----------------------------------------------------------------------------------


@WAYS
@pytest.mark.parametrize("reason", [CancelledError, StepTimeoutError])
def test_cancelling_while_the_server_is_silent(
    database: Database, way: str, reason: type[OsirisError]
) -> None:
    token = CancelToken()
    threading.Timer(0.4, token.cancel, [reason("enough")]).start()
    began = time.monotonic()
    with pytest.raises(reason, match="enough"):
        read(settings(database, way), f"{SILENT} -- silent_{way}", cancelled=token)
    assert time.monotonic() - began < 60
    _wait_until_gone(database, f"silent_{way}")


@WAYS
def test_cancelling_while_rows_come(database: Database, way: str) -> None:
    token = CancelToken()
    sql = LONG + f" -- streaming_{way}"
    _, batches = read_query(settings(database, way), sql, ReadOptions(cancelled=token))
    next(batches)
    threading.Timer(0.2, token.cancel, [CancelledError("enough")]).start()
    began = time.monotonic()
    with pytest.raises(CancelledError, match="enough"):
        for _ in batches:
            pass
    assert time.monotonic() - began < 60
    _wait_until_gone(database, f"streaming_{way}")


def test_cancelling_before_it_begins(database: Database) -> None:
    token = CancelToken()
    token.cancel(CancelledError("never mind"))
    with pytest.raises(CancelledError, match="never mind"):
        read(settings(database), "SELECT 1", cancelled=token)


def test_cancelling_does_not_wait_for_a_server_that_does_not_answer() -> None:
    token = CancelToken()
    with LoopbackServer(Script(silent=b"\x17")) as server:
        connection = MySQLConnection.model_validate(
            {"host": "127.0.0.1", "port": server.port, "user": "u", "tls": NO_TLS}
        )
        threading.Timer(0.3, token.cancel, [CancelledError("enough")]).start()
        began = time.monotonic()
        with pytest.raises(CancelledError):
            read(connection, "SELECT 1", cancelled=token)
        assert time.monotonic() - began < 60


@WAYS
def test_a_server_that_waits_for_us_ends_as_soon_as_we_are_gone(
    database: Database, way: str
) -> None:
    """Without being told so in another connection, which a proxy may make impossible."""
    wire = open_wire(settings(database, way), cancelled=CancelToken())
    wire.send(b"\x03" + f"{LONG} -- unread_{way}".encode())
    sending = re.compile("Writing to net|Sending|executing", re.IGNORECASE)

    def states() -> list[str]:
        shown = database.execute("SHOW FULL PROCESSLIST")
        return [str(row[6]) for row in shown if row[0] == wire.thread_id]

    wait_for(lambda: any(sending.match(state) for state in states()))
    wire.interrupt()
    wire.close(idle=False)
    wait_for(lambda: not states())


@WAYS
def test_a_reading_that_is_given_up_stops_the_query(database: Database, way: str) -> None:
    sql = LONG + f" -- given_up_{way}"
    reader = QueryReader(settings(database, way), sql, ReadOptions())
    batches = reader.batches()
    next(batches)
    assert _running(database, f"given_up_{way}")
    batches.close()
    _wait_until_gone(database, f"given_up_{way}")


def test_an_error_of_ours_stops_the_query(database: Database) -> None:
    sql = "SELECT CAST('2024-00-00' AS DATE) AS d, SLEEP(seq > 70000) AS ours FROM seq_1_to_100000"
    database.execute("SET GLOBAL sql_mode = ''")
    with pytest.raises(DataError, match="holds a date that is none"):
        read(settings(database), sql, zero_dates="error", buffer_bytes=1000)
    _wait_until_gone(database, "AS ours")


def test_another_query_under_our_number_is_left_alone(database: Database) -> None:
    """A proxy numbers connections as it likes: what we kill must be what we run."""

    def sleep() -> None:
        with contextlib.suppress(pymysql.Error):  # it is killed in the end
            pymysql_rows(database, "SELECT SLEEP(600) AS innocent")

    other = threading.Thread(target=sleep)
    other.start()
    while not _running(database, "innocent"):
        time.sleep(0.02)
    reader = QueryReader(settings(database), LONG + " -- mistaken", ReadOptions())
    ((number, _),) = [row for row in _running(database, "innocent") if "PROCESS" not in row[1]]
    reader._wire.thread_id = number
    batches = reader.batches()
    next(batches)
    batches.close()
    assert [row for row in _running(database, "innocent") if "PROCESS" not in row[1]]
    database.execute(f"KILL {number}")
    other.join()


# --- one state --------------------------------------------------------------------------------


def test_the_rows_are_those_of_one_moment(database: Database) -> None:
    database.script(
        "CREATE TABLE t (id INT) ENGINE = InnoDB; INSERT INTO t SELECT seq FROM seq_1_to_50000"
    )
    sql = "SELECT id, (SELECT COUNT(*) FROM t) AS n FROM t"
    _, batches = read_query(settings(database), sql, ReadOptions(buffer_bytes=10_000))
    taken = [next(batches)]
    database.script("DELETE FROM t WHERE id > 100; INSERT INTO t VALUES (-1), (-2)")
    taken += batches
    table = pa.Table.from_batches(taken)
    assert table["id"].to_pylist() == list(range(1, 50_001))
    assert set(table["n"].to_pylist()) == {50_000}


# --- what is large ----------------------------------------------------------------------------


@WAYS
def test_cells_of_megabytes(database: Database, way: str) -> None:
    sizes = [0, 1, 250, 251, 65_535, 65_536, 5 << 20, 16_777_215, 16_777_216, 20 << 20, 3]
    database.execute("CREATE TABLE t (id INT, w LONGTEXT, n INT)")
    for number, size in enumerate(sizes):
        database.execute(f"INSERT INTO t VALUES ({number}, REPEAT(CHAR({97 + number}), {size}), 7)")
    table = read(settings(database, way), "SELECT * FROM t ORDER BY id")
    assert table["n"].to_pylist() == [7] * len(sizes)
    for number, size in enumerate(sizes):
        word = table["w"][number].as_buffer().to_pybytes()
        assert hashlib.sha256(word).digest() == hashlib.sha256(bytes([97 + number]) * size).digest()


def test_rows_wider_than_the_buffer_and_the_largest_packet(database: Database) -> None:
    columns = ", ".join(f"REPEAT('{chr(97 + i)}', 3000000) AS c{i}" for i in range(12))
    table = read(settings(database), f"SELECT {columns}, seq AS n FROM seq_1_to_3")
    assert table["n"].to_pylist() == [1, 2, 3]
    for i in range(12):
        assert all(len(w.as_buffer()) == 3_000_000 for w in table[f"c{i}"])


# --- numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number, state, kind",
    [
        (1205, "HY000", TransientStepError),
        (1213, "40001", TransientStepError),
        (1040, "08004", TransientStepError),
        (1203, "42000", TransientStepError),
        (3024, "HY000", TransientStepError),
        (1045, "28000", AuthenticationError),
        (1049, "42000", UnknownDatabaseError),
        (1064, "42000", ConfigError),
        (1146, "42S02", ConfigError),
        (1792, "25006", ConfigError),
        (1242, "21000", DataError),
        (1690, "22003", DataError),
        (1021, "HY000", SystemStepError),
        (9999, "HY000", SystemStepError),
        (9999, "", SystemStepError),
        (9999, "42000", ConfigError),
        (9999, "22003", DataError),
        (9999, "40002", TransientStepError),
    ],
)
def test_every_number_has_its_kind(number: int, state: str, kind: type[StepError]) -> None:
    found = server_error(number, state, "the server's words", "db:3306")
    assert type(found) is kind
    assert f": the server's words (MySQL error {number} at db:3306)" in found.message
    assert found.hint

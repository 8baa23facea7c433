"""What happens to a reading when the server dies, is slow, says no in the middle, or we stop."""

import contextlib
import gc
import hashlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import (
    CancelledError,
    ConfigError,
    DataError,
    StepTimeoutError,
    TransientStepError,
)
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.postgres_reading import NO_TLS, read, reader, settings, taken

# Runs for hours without a row.
SILENT = "SELECT a.i FROM big AS a, big AS b, big AS c WHERE a.i * b.i::numeric * c.i = 0.5"
LONG = "SELECT a.i, b.i AS j, repeat('x', 200) AS w FROM big AS a, big AS b"
BIG = "CREATE TABLE big AS SELECT i FROM generate_series(1, 10000) AS i"
WAYS = pytest.mark.parametrize("way", ["tcp", "socket", "tls"])
SECONDS = 60.0


@pytest.fixture
def mortal() -> Iterator[PostgresServer]:
    """A server that a test may kill."""
    with PostgresServer({"synchronous_commit": "on"}) as server:
        server.execute(BIG)
        yield server


@pytest.fixture
def full(pg: PostgresDatabase) -> PostgresDatabase:
    pg.execute(BIG)
    return pg


def _to(server: PostgresServer) -> PostgresConnection:
    return PostgresConnection.model_validate({**server.connection("postgres"), "tls": NO_TLS})


def _running(pg: PostgresDatabase) -> list[int]:
    asked = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'COPY %%' AND datname = %s"
    return [row[0] for row in pg.execute(f"{asked} AND state = 'active'", [pg.name])]


def _wait_for(pg: PostgresDatabase, count: int) -> list[int]:
    deadline = time.monotonic() + SECONDS
    while len(found := _running(pg)) != count:
        assert time.monotonic() < deadline, f"{len(found)} queries run, not {count}"
        time.sleep(0.02)
    return found


# --- the server goes --------------------------------------------------------------------------


def test_a_server_that_goes_in_the_middle_is_transient(mortal: PostgresServer) -> None:
    for end in (mortal.kill, mortal.stop):
        batches = reader(_to(mortal), LONG).batches()
        next(batches)
        end()
        with pytest.raises(TransientStepError, match=rf"127\.0\.0\.1:{mortal.port}"):
            for _ in batches:
                pass
        mortal.start()
        assert read(_to(mortal), "SELECT 1 AS a").to_pylist() == [{"a": 1}]


@WAYS
def test_a_query_killed_by_somebody_is_transient(full: PostgresDatabase, way: str) -> None:
    for how in ("pg_terminate_backend", "pg_cancel_backend"):
        batches = reader(settings(full, way), LONG).batches()
        next(batches)
        full.execute(f"SELECT {how}(%s)", _wait_for(full, 1))
        with pytest.raises(TransientStepError, match=r"SQLSTATE 57|lost the connection"):
            for _ in batches:
                pass
        _wait_for(full, 0)


def test_a_statement_that_takes_too_long_for_the_server(full: PostgresDatabase) -> None:
    connection = settings(full, options={"statement_timeout": "500ms"})
    with pytest.raises(TransientStepError, match=r"statement timeout \(SQLSTATE 57014"):
        read(connection, "SELECT pg_sleep(60)::text AS a")


# --- the server says no in the middle -----------------------------------------------------------


@WAYS
@pytest.mark.parametrize("room", [5000, 2 << 20])
def test_an_error_at_the_last_row(pg: PostgresDatabase, way: str, room: int) -> None:
    query = "SELECT i AS id, 1 / (50000 - i) AS x FROM generate_series(1, 50000) AS i"
    batches = reader(settings(pg, way), query, buffer_bytes=room).batches()
    ids: list[int] = []

    def read_on() -> None:
        for batch in batches:
            ids.extend(batch.column(0).to_pylist())

    with pytest.raises(DataError, match=r"division by zero \(SQLSTATE 22012"):
        read_on()
    assert ids == list(range(1, len(ids) + 1))
    assert len(ids) < 50_000
    _wait_for(pg, 0)


def test_a_notice_in_the_middle(pg: PostgresDatabase) -> None:
    pg.execute(
        "CREATE FUNCTION noisy(i INT) RETURNS INT LANGUAGE plpgsql AS $$ BEGIN"
        " IF i % 1000 = 0 THEN RAISE NOTICE 'd % %', i, repeat('d', 5000); END IF; RETURN i; END $$"
    )
    table = read(settings(pg), "SELECT noisy(i) AS a FROM generate_series(1, 20000) AS i")
    assert table["a"].to_pylist() == list(range(1, 20_001))


def test_a_right_that_is_missing(full: PostgresDatabase) -> None:
    connection = settings(full, "tls", user="tls_only")
    full.execute("GRANT USAGE ON SCHEMA public TO tls_only; CREATE SCHEMA hidden")
    with pytest.raises(ConfigError, match=r"lacks a right .* table big \(SQLSTATE 42501"):
        read(connection, "SELECT * FROM big")
    with pytest.raises(ConfigError, match="schema hidden"):
        read(connection, "SELECT * FROM hidden.t")
    full.execute("GRANT SELECT (i) ON big TO tls_only")
    assert read(connection, "SELECT i FROM big").num_rows == 10_000
    full.execute("DROP OWNED BY tls_only")


def test_a_lock_that_is_not_to_be_had(full: PostgresDatabase) -> None:
    connection = settings(full, options={"lock_timeout": 200})
    with full.admin() as other, other.transaction():
        other.execute("LOCK TABLE big IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TransientStepError, match="too long for a lock"):
            read(connection, "SELECT i FROM big")


def test_changes_of_others_are_not_seen(full: PostgresDatabase) -> None:
    running = reader(settings(full), LONG.replace("AS a, big AS b", "AS a, (SELECT 1 AS i) AS b"))
    full.execute("DELETE FROM big")
    assert taken(running).num_rows == 10_000


# --- we stop --------------------------------------------------------------------------------------


@WAYS
@pytest.mark.parametrize("query", [SILENT, LONG], ids=["silent", "long"])
def test_a_cancelled_reading_ends_at_once_here_and_there(
    full: PostgresDatabase, way: str, query: str
) -> None:
    token = CancelToken()
    running = reader(settings(full, way), query, cancelled=token)
    threading.Timer(0.3, token.cancel, [StepTimeoutError("time is up")]).start()
    before = time.monotonic()
    with pytest.raises(StepTimeoutError, match="time is up"):
        for _ in running.batches():
            pass
    assert time.monotonic() - before < SECONDS / 2
    _wait_for(full, 0)


def test_a_query_that_is_being_planned_is_cancelled(full: PostgresDatabase) -> None:
    with full.admin() as other, other.transaction():
        other.execute("LOCK TABLE big IN ACCESS EXCLUSIVE MODE")
        token = CancelToken()
        threading.Timer(0.3, token.cancel).start()
        with pytest.raises(CancelledError):
            reader(settings(full), "SELECT i FROM big", cancelled=token)


@WAYS
def test_a_reading_that_is_given_up_stops_the_query(full: PostgresDatabase, way: str) -> None:
    batches = reader(settings(full, way), LONG).batches()
    next(batches)
    batches.close()
    _wait_for(full, 0)


def test_a_reading_that_nobody_begins_leaves_nothing(full: PostgresDatabase) -> None:
    running = reader(settings(full), LONG)
    _wait_for(full, 1)
    del running
    gc.collect()
    _wait_for(full, 0)


def test_memory_stays_the_same(full: PostgresDatabase) -> None:
    """A hundred megabytes go by; what is held of them is a block or two."""
    most = 0
    seen = 0
    before = pa.total_allocated_bytes()
    with contextlib.closing(reader(settings(full), LONG).batches()) as batches:
        for batch in batches:
            seen += batch.nbytes
            most = max(most, pa.total_allocated_bytes() - before)
            if seen > 100 << 20:
                break
    assert most < 16 << 20


def test_the_same_bytes_each_time(full: PostgresDatabase, tmp_path: Path) -> None:
    """Blocks end where the network says; the values do not."""

    def digest() -> str:
        table = read(settings(full), "SELECT i, i * 1.5 AS x, 'w' || i AS w FROM big")
        with (
            pa.OSFile(str(tmp_path / "f"), "wb") as file,
            pa.ipc.new_file(file, table.schema) as out,
        ):
            out.write_table(table.combine_chunks())
        return hashlib.sha256((tmp_path / "f").read_bytes()).hexdigest()

    assert len({digest() for _ in range(3)}) == 1

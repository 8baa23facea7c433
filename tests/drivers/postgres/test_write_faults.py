"""What goes wrong while rows are written: the table is as it was, the error says whose fault."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.components.postgres_writer import COMPONENT
from osiris.core.errors import (
    CancelledError,
    ConfigError,
    DataError,
    DiskFullError,
    MissingRightError,
    OsirisError,
    SystemStepError,
    TransientStepError,
)
from tests.support.postgres import PostgresDatabase
from tests.support.relay import Relay
from tests.support.table_writing import TableWriting

ROWS = 20_000
TABLE = pa.table({"id": pa.array(range(1, ROWS + 1), pa.int32()), "name": ["x" * 50] * ROWS})
OLD = "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (0, 'old')"
UPSERT = {"write_mode": "upsert", "primary_key": ["id"]}
MODES: list[dict[str, Any]] = [{}, {"write_mode": "replace"}, UPSERT]
BLOCKED = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~* %s"
_SECONDS = 60.0


@pytest.fixture
def writing(pg: PostgresDatabase, tmp_path: Path) -> TableWriting:
    pg.execute(OLD)
    return TableWriting(pg, COMPONENT, tmp_path)


def _in_background(work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, raised


@contextmanager
def held_back(pg: PostgresDatabase) -> Iterator[None]:
    """Let a writer of the table come to a stop in the middle of its rows."""
    with pg.admin() as other:
        other.execute(f"BEGIN; INSERT INTO t VALUES ({ROWS // 2}, 'not yet there')")
        yield
        other.execute("ROLLBACK")


def blocked(pg: PostgresDatabase, query: str = "COPY|INSERT") -> int:
    """Wait until the writer waits for somebody else's row; return its server process."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        found = pg.execute(BLOCKED, [query])
        if found:
            return int(found[0][0])
        time.sleep(0.01)
    raise AssertionError("the writer never came to a stop")


def unchanged(pg: PostgresDatabase) -> bool:
    return pg.execute("SELECT * FROM t") == [(0, "old")]


@pytest.mark.parametrize("options", MODES)
def test_a_connection_that_is_cut(
    options: dict[str, Any], writing: TableWriting, pg: PostgresDatabase
) -> None:
    statement = "COPY|INSERT"
    with held_back(pg):
        thread, raised = _in_background(lambda: writing.write(TABLE, table="t", **options))
        if options.get("write_mode") == "replace":
            statement = "LOCK"
        pg.execute("SELECT pg_terminate_backend(%s)", [blocked(pg, statement)])
        thread.join(_SECONDS)
    assert isinstance(raised[0], TransientStepError)
    assert unchanged(pg)
    assert writing.write(TABLE, table="t", **options) == ROWS  # what a retry does


def test_a_server_that_is_killed(writing: TableWriting, pg: PostgresDatabase) -> None:
    pg.execute("CHECKPOINT")  # the tests' server does not write by itself
    other = pg.server.admin(pg.name)
    other.execute(f"BEGIN; INSERT INTO t VALUES ({ROWS // 2}, 'not yet there')")
    thread, raised = _in_background(lambda: writing.write(TABLE, table="t"))
    try:
        blocked(pg)
        pg.server.kill()
        thread.join(_SECONDS)
    finally:
        other.close()
        pg.server.start()
    assert isinstance(raised[0], TransientStepError)
    assert unchanged(pg)


def test_a_step_that_is_cancelled_lets_go_at_once(
    writing: TableWriting, pg: PostgresDatabase
) -> None:
    with held_back(pg):
        thread, raised = _in_background(lambda: writing.write(TABLE, table="t"))
        process = blocked(pg)
        writing.run.cancelled.cancel(CancelledError("stop"))
        thread.join(_SECONDS)
        assert isinstance(raised[0], CancelledError)
        deadline = time.monotonic() + _SECONDS
        while pg.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [process]):
            assert time.monotonic() < deadline, "the server goes on for nobody"
            time.sleep(0.02)
    assert unchanged(pg)


@pytest.mark.parametrize("options", MODES)
def test_a_lock_that_is_not_released(
    options: dict[str, Any], writing: TableWriting, pg: PostgresDatabase
) -> None:
    with pg.admin() as other:
        other.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TransientStepError, match="waited too long for a lock"):
            writing.write(TABLE, table="t", lock_timeout=0.2, **options)
        other.execute("ROLLBACK")
    assert unchanged(pg)


def test_a_deadlock_is_transient(writing: TableWriting, pg: PostgresDatabase) -> None:
    pg.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
    two = TABLE.slice(0, 2)
    # Only the writer looks for deadlocks, and only when the other surely waits for it.
    impatient = {**pg.connection(), "options": {"deadlock_timeout": "6s"}}
    with pg.admin() as other:
        other.execute("SET deadlock_timeout = '10min'")
        other.execute("BEGIN; UPDATE t SET name = 'other' WHERE id = 2")
        thread, raised = _in_background(
            lambda: writing.write(two, connection=impatient, table="t", **UPSERT)
        )
        blocked(pg, "INSERT")
        other.execute("UPDATE t SET name = 'other' WHERE id = 1")
        other.execute("COMMIT")
        thread.join(_SECONDS)
    assert isinstance(raised[0], TransientStepError)
    assert "deadlock" in str(raised[0])
    assert pg.execute("SELECT id, name FROM t ORDER BY id") == [
        (0, "old"),
        (1, "other"),
        (2, "other"),
    ]


def limit_files(pg: PostgresDatabase, size: str) -> None:
    """Set the largest file of server processes that are yet to start."""
    command = pg.server._as_owner("prlimit", f"--pid={pg.server.pid}", f"--fsize={size}")
    subprocess.run(command, check=True, cwd="/")


@pytest.mark.parametrize("options", MODES)
def test_a_disk_that_is_full(
    options: dict[str, Any], writing: TableWriting, pg: PostgresDatabase
) -> None:
    # Larger than a segment of the log, which must not be what fails.
    limit_files(pg, f"{20 << 20}:")
    try:
        text = "x" * 1000
        wide = pa.table({"id": TABLE["id"], "name": [f"{n}{text}" for n in range(ROWS)]})
        with pytest.raises(DiskFullError, match="disk is full") as caught:
            writing.write(wide, table="t", **options)
    finally:
        limit_files(pg, "unlimited:")
    assert caught.value.exit_code == 1
    assert unchanged(pg)


def test_a_row_that_breaks_a_constraint_at_the_commit(
    writing: TableWriting, pg: PostgresDatabase
) -> None:
    pg.execute("CREATE TABLE p (id int PRIMARY KEY)")
    rule = "FOREIGN KEY (id) REFERENCES p DEFERRABLE INITIALLY DEFERRED NOT VALID"
    pg.execute(f"ALTER TABLE t ADD {rule}")
    with pytest.raises(DataError, match="foreign key"):
        writing.write(TABLE.slice(0, 2), table="t")
    assert unchanged(pg)


def test_rights_that_are_missing_are_told(writing: TableWriting, pg: PostgresDatabase) -> None:
    pg.execute("CREATE ROLE lowly LOGIN PASSWORD 'p'; GRANT SELECT ON t TO lowly")
    login = {**pg.connection(), "user": "lowly", "password": "p"}
    try:
        for options in ({"table": "t"}, {"table": "u", "create_if_missing": True}):
            with pytest.raises(MissingRightError, match="permission denied") as caught:
                writing.write(TABLE, connection=login, **options)
            assert "grant INSERT" in (caught.value.hint or "")
    finally:
        pg.execute("DROP OWNED BY lowly; DROP ROLE lowly")
    assert unchanged(pg)


def test_a_server_that_takes_no_changes(writing: TableWriting, pg: PostgresDatabase) -> None:
    follower = {**pg.connection(), "options": {"default_transaction_read_only": "on"}}
    with pytest.raises(ConfigError, match="takes no changes"):
        writing.write(TABLE, connection=follower, table="t")
    assert unchanged(pg)


@pytest.fixture
def relay(pg: PostgresDatabase) -> Iterator[Relay]:
    with Relay(pg.server.host, pg.server.port) as relay:
        yield relay


def _through(relay: Relay, pg: PostgresDatabase) -> dict[str, Any]:
    plain = {"tls": {"mode": "disabled"}}  # the relay looks for COMMIT
    return {**pg.connection(), "port": relay.port, **plain}


def test_a_commit_whose_answer_is_lost_is_not_done_again(
    writing: TableWriting, pg: PostgresDatabase, relay: Relay
) -> None:
    relay.cut(after=b"COMMIT", deliver=True)
    assert writing.write(TABLE, connection=_through(relay, pg), table="t") == ROWS
    assert relay.cuts == 1
    assert pg.execute("SELECT count(*) FROM t") == [(ROWS + 1,)]


def test_a_commit_that_never_arrives_may_be_tried_again(
    writing: TableWriting, pg: PostgresDatabase, relay: Relay
) -> None:
    relay.cut(after=b"COMMIT", deliver=False)
    with pytest.raises(TransientStepError):
        writing.write(TABLE, connection=_through(relay, pg), table="t")
    assert unchanged(pg)


@pytest.mark.parametrize("options", [{}, UPSERT])
def test_when_nobody_can_tell_a_blind_append_is_not_tried_again(
    options: dict[str, Any],
    writing: TableWriting,
    pg: PostgresDatabase,
    relay: Relay,
) -> None:
    relay.cut(after=b"COMMIT", deliver=True, then_refuse=True)
    connection = {**_through(relay, pg), "connect_timeout": 1}
    with pytest.raises(OsirisError) as caught:
        writing.write(TABLE, connection=connection, table="t", **options)
    expected = TransientStepError if options else SystemStepError
    assert type(caught.value) is expected

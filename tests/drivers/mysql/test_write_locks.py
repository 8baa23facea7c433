"""Writers that wait for others: too long, for each other, for the same table."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pymysql
import pytest

from osiris.core.errors import OsirisError, TransientStepError
from osiris.core.stream import TableStream
from tests.conftest import Database
from tests.support.driver_run import stream_of
from tests.support.mysql_faults import SCHEMA, prepare, stream, unchanged, until, write
from tests.support.mysql_writing import Target


@pytest.fixture
def target(database: Database, tmp_path: Path) -> Target:
    return Target(database, tmp_path)


@pytest.fixture
def other(target: Target) -> Iterator[Any]:
    """Somebody else's transaction."""
    database = target.database
    connection = pymysql.connect(
        unix_socket=database.server.socket, user="root", database=database.name
    )
    with connection, connection.cursor() as cursor:
        yield cursor


def write_soon(target: Target, mode: str, table: TableStream) -> None:
    """Write, but wait a second only for a lock."""
    write(target.database, target.root, mode, table, lock_timeout=1)


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_row_is_locked_for_long(target: Target, other: Any, mode: str) -> None:
    prepare(target.database, mode)
    other.execute("INSERT INTO t VALUES (50, 'theirs')")
    with pytest.raises(TransientStepError, match="waited too long for a lock"):
        write_soon(target, mode, stream(int))
    other.execute("ROLLBACK")
    assert unchanged(target.database, mode)


def test_the_table_is_locked_for_long(target: Target, other: Any) -> None:
    """A reader's open transaction keeps the name; the rows are in the stage, and go."""
    prepare(target.database, "replace")
    other.execute("SELECT * FROM t")
    with pytest.raises(TransientStepError, match="waited too long for a lock"):
        write_soon(target, "replace", stream(int))
    assert unchanged(target.database, "replace", leftovers=True)
    other.execute("ROLLBACK")
    write(target.database, target.root, "replace", stream(int))
    assert target.tables() == ["t"]


def test_two_writers_deadlock(target: Target, other: Any) -> None:
    prepare(target.database, "upsert")
    other.execute("INSERT INTO t SELECT seq, 'theirs' FROM seq_5000_to_7000")  # who did more stays
    other.execute("UPDATE t SET v = 'theirs' WHERE id = 2")
    table = pa.table({"id": pa.array([1, 2], pa.int32()), "v": ["new", "new"]}, SCHEMA)
    caught: list[BaseException] = []

    def upsert() -> None:
        try:
            write(target.database, target.root, "upsert", stream_of(table))
        except OsirisError as error:
            caught.append(error)

    writer = threading.Thread(target=upsert)
    writer.start()
    waiting = "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    until(lambda: bool(target.database.execute(waiting)), "the writer does not wait")
    other.execute("UPDATE t SET v = 'theirs' WHERE id = 1")
    writer.join()
    other.execute("ROLLBACK")
    assert [type(error) for error in caught] == [TransientStepError]
    assert "deadlock" in str(caught[0]).lower()
    assert unchanged(target.database, "upsert")


def test_two_replace_the_same_table(target: Target) -> None:
    """The second waits for the first, and when that takes too long nothing has happened."""
    prepare(target.database, "replace")
    refused: list[TransientStepError] = []

    def second() -> None:
        with pytest.raises(TransientStepError, match="another run is writing") as caught:
            write_soon(target, "replace", stream(int))
        refused.append(caught.value)

    write(target.database, target.root, "replace", stream(second))
    assert len(refused) == 1
    assert len(target.rows()) == 600
    assert target.tables() == ["t"]


def test_an_append_leaves_the_stage_of_another_alone(target: Target) -> None:
    """A stage that somebody is filling is none that a killed run left."""
    prepare(target.database, "replace")

    def append() -> None:
        write(target.database, target.root, "append", stream(int))
        assert len(target.tables()) == 2

    write(target.database, target.root, "replace", stream(append))
    assert len(target.rows()) == 600
    assert target.tables() == ["t"]


def test_somebody_makes_the_table_meanwhile(target: Target) -> None:
    def make() -> None:
        target.database.script("CREATE TABLE t (id INT, v TEXT); INSERT INTO t VALUES (1, 'x')")

    with pytest.raises(TransientStepError, match="made the table meanwhile"):
        write(target.database, target.root, "made", stream(make))
    assert target.rows() == [(1, "x")]
    assert target.tables() == ["t"]

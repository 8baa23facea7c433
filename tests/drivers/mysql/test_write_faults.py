"""What is in the table when a write fails: what was there before, in every mode, and no trace."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pymysql
import pytest

from osiris.components.mysql_extractor import MySQLConnection
from osiris.components.mysql_writer import COMPONENT
from osiris.core.cancel import CancelToken
from osiris.core.errors import (
    CancelledError,
    ConfigError,
    DataError,
    MissingRightError,
    OsirisError,
    SystemStepError,
    TransientStepError,
)
from osiris.core.stream import TableStream
from osiris.drivers.mysql.stages import outgoing_of, stage_of
from osiris.drivers.mysql.table_facts import Place
from osiris.drivers.mysql.write_session import WriteSession
from tests.conftest import Database
from tests.support.driver_run import DriverRun, stream_of
from tests.support.mysql import MYSQLD, private_server
from tests.support.mysql_faults import (
    BEFORE,
    MODES,
    SCHEMA,
    batch,
    options,
    prepare,
    stream,
    unchanged,
    until,
    write,
    writers,
)
from tests.support.mysql_reading import NO_TLS
from tests.support.mysql_writing import Target
from tests.support.relay import Relay

ALL_MODES = pytest.mark.parametrize("mode", MODES)


@pytest.fixture
def target(database: Database, tmp_path: Path) -> Target:
    return Target(database, tmp_path)


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A server that a test may kill, with an empty database."""
    durable = ("--innodb-flush-log-at-trx-commit=2",)
    with private_server()(tmp_path_factory.mktemp("mortal"), options=durable) as server:
        server.execute("CREATE DATABASE d")
        yield Database(server, "d")


# --- the server and the connection ----------------------------------------------------------------


@ALL_MODES
def test_the_connection_is_killed(target: Target, mode: str) -> None:
    database = target.database
    prepare(database, mode)

    def kill() -> None:
        for number in writers(database):
            with contextlib.suppress(pymysql.err.OperationalError):  # one that is just closing
                database.execute(f"KILL {number}")

    with pytest.raises(TransientStepError):
        write(database, target.root, mode, stream(kill))
    assert unchanged(database, mode)
    write(database, target.root, mode, stream(int))
    assert len(target.rows()) == 600 + (2 if mode in {"append", "upsert"} else 0)
    assert target.tables() == ["t"]


def test_the_server_is_killed(mortal: Database, tmp_path: Path) -> None:
    """Every mode in one server's life; a stage that is left is gone after the next write."""
    for mode in MODES:
        prepare(mortal, mode)
        with pytest.raises(TransientStepError, match=r"lost the connection|refused"):
            write(mortal, tmp_path, mode, stream(mortal.server.kill))
        mortal.server.start()
        assert unchanged(mortal, mode, leftovers=True), mode
        write(mortal, tmp_path, mode, stream(int))
        assert [name for (name,) in mortal.execute("SHOW TABLES")] == ["t"], mode
        mortal.execute("DROP TABLE t")


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "mode,error",
    [("append", SystemStepError), ("upsert", TransientStepError), ("replace", TransientStepError)],
)
def test_the_connection_is_cut_while_committing(
    target: Target, mode: str, error: type[OsirisError], moment: str
) -> None:
    """Nobody knows then; trying again is safe only where it comes to the same."""
    prepare(target.database, mode)
    mark = b"\x03RENAME TABLE" if mode == "replace" else b"\x03COMMIT"
    with Relay("127.0.0.1", target.database.server.port) as relay:
        relay.cut(after=mark, deliver=moment == "after")
        given = {**target.database.connection(), "tls": NO_TLS, "port": relay.port}
        with pytest.raises(error, match="lost the connection"):
            write(target.database, target.root, mode, stream(int), connection=given)
        assert relay.cuts == 1
    if moment == "before":
        until(lambda: not writers(target.database), "the server keeps the connection")
        assert unchanged(target.database, mode)
    else:
        until(lambda: not unchanged(target.database, mode), "it was never committed")
    write(target.database, target.root, "replace", stream(int))
    assert len(target.rows()) == 600


def test_a_server_with_no_room(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    small = ("--innodb-data-file-path=ibdata1:12M:autoextend:max:14M", "--innodb-file-per-table=0")
    with private_server()(tmp_path_factory.mktemp("small"), options=small) as server:
        server.execute("CREATE DATABASE d")
        database = Database(server, "d")
        prepare(database, "append")

        def fill() -> Iterator[pa.RecordBatch]:
            for number in range(400):
                yield batch(10 + 1000 * number, 1000, 200)

        for mode in ("append", "replace"):
            table = TableStream(SCHEMA, fill(), source="make")
            with pytest.raises(SystemStepError, match="no room left"):
                write(database, tmp_path, mode, table)
            assert database.execute("SELECT * FROM t ORDER BY id") == BEFORE


def test_a_server_that_only_reads(target: Target) -> None:
    prepare(target.database, "append")
    exempt = "SUPER, CONNECTION_ADMIN" if MYSQLD else "READ_ONLY ADMIN"
    target.database.script(
        "DROP USER IF EXISTS plain; CREATE USER plain IDENTIFIED BY 'p';"
        "GRANT ALL ON *.* TO plain@'%';"
        f"REVOKE {exempt} ON *.* FROM plain@'%'; SET GLOBAL read_only = 1"
    )
    given = {**target.database.connection(), "user": "plain", "password": "p"}
    try:
        with pytest.raises(ConfigError, match="read-only"):
            write(target.database, target.root, "append", stream(int), connection=given)
    finally:
        target.database.script("SET GLOBAL read_only = 0; DROP USER plain@'%'")


def test_an_account_that_may_not_write(target: Target) -> None:
    prepare(target.database, "append")
    target.database.script(
        "DROP USER IF EXISTS looker; CREATE USER looker IDENTIFIED BY 'l';"
        f"GRANT SELECT ON {target.database.name}.* TO looker@'%'"
    )
    given = {**target.database.connection(), "user": "looker", "password": "l"}
    for mode in ("append", "replace", "upsert"):
        with pytest.raises(MissingRightError, match="the user may not"):
            write(target.database, target.root, mode, stream(int), connection=given)
    assert unchanged(target.database, "append")


# --- the data, the input, the user ----------------------------------------------------------------


@ALL_MODES
@pytest.mark.parametrize("local", [1, 0], ids=["load", "insert"])
def test_a_key_is_there_twice_in_the_last_row(target: Target, mode: str, local: int) -> None:
    database = target.database
    prepare(database, mode)
    table = pa.Table.from_batches([batch(n, 100) for n in (10, 110, 210)])
    last = pa.table({"id": pa.array([309], pa.int32()), "v": ["again"]}, SCHEMA)
    whole = pa.concat_tables([table, last])
    more = {"primary_key": ["id"]} if mode == "made" else {}
    database.execute(f"SET GLOBAL local_infile = {local}")
    with pytest.raises(DataError, match=r"a key that another row has.*309"):
        write(database, target.root, mode, stream_of(whole), batch_size=None, **more)
    database.execute("SET GLOBAL local_infile = 1")
    assert unchanged(database, mode)


@pytest.mark.parametrize("local", [1, 0], ids=["load", "insert"])
def test_rows_are_counted_from_the_first(target: Target, local: int) -> None:
    """The server counts anew in every statement; the user does not."""
    target.database.script(
        "CREATE TABLE t (id INT, v VARCHAR(9) CHARACTER SET latin1);"
        f"SET GLOBAL local_infile = {local}"
    )
    table = pa.table({"id": pa.array(range(9), pa.int32()), "v": ["é"] * 7 + ["漢", "é"]}, SCHEMA)
    with pytest.raises(DataError, match=r"at row 8 .*MySQL error 1366"):
        write(target.database, target.root, "append", stream_of(table), batch_size=3)
    target.database.execute("SET GLOBAL local_infile = 1")
    assert target.rows() == []


@ALL_MODES
def test_the_input_fails(target: Target, mode: str) -> None:
    prepare(target.database, mode)

    def fail() -> None:
        raise RuntimeError("the producer broke")

    with pytest.raises(RuntimeError, match="the producer broke"):
        write(target.database, target.root, mode, stream(fail))
    assert unchanged(target.database, mode)


@ALL_MODES
@pytest.mark.parametrize("batch_size", [100, None], ids=["between", "within"])
def test_the_step_is_cancelled(target: Target, mode: str, batch_size: int | None) -> None:
    """Between two statements, and while the server waits for more of a file."""
    prepare(target.database, mode)
    run = DriverRun(target.root)
    table = stream(lambda: run.cancelled.cancel(CancelledError("enough")))
    given = options(target.database, mode, batch_size=batch_size)
    with pytest.raises(CancelledError, match="enough"):
        run.run(COMPONENT, {"df": table}, **given)
    until(lambda: not writers(target.database), "the server keeps the connection")
    assert unchanged(target.database, mode)


# --- what a killed run leaves ---------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_what_a_killed_run_left_goes_with_the_next(target: Target, mode: str) -> None:
    prepare(target.database, mode)
    place = Place(target.database.name, "t")
    for left in (stage_of(place), outgoing_of(place)):
        assert left.table.startswith("osiris_")
        target.database.execute(f"CREATE TABLE {left.sql} (left_over INT)")
    write(target.database, target.root, mode, stream(int))
    assert target.tables() == ["t"]
    assert len(target.rows()) == (600 if mode == "replace" else 602)


def test_the_stages_of_long_names_are_told_apart() -> None:
    names = ["x" * 64, "x" * 63 + "y", "漢" * 64, "t" * 40 + " "]
    stages = [stage_of(Place("d", name)).table for name in names]
    assert len(set(stages)) == len(names)
    assert max(len(stage) for stage in stages) <= 64


def test_a_connection_of_its_own_for_each_write(target: Target) -> None:
    given = MySQLConnection.model_validate(target.database.connection())
    with WriteSession(
        given, base_dir=target.root, cancelled=CancelToken(), lock_seconds=7
    ) as session:
        mode = session.value("SELECT @@SESSION.sql_mode") or ""
        assert "STRICT_ALL_TABLES" in mode
        assert "NO_BACKSLASH_ESCAPES" not in mode
    until(lambda: not writers(target.database), "the connection stays open")

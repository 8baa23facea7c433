"""No statement that an extract is given changes anything, whatever it says."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from osiris.core.errors import ConfigError
from osiris.drivers.mysql.read_only import only_reads
from tests.conftest import Database
from tests.support.mariadb import MariaDBServer
from tests.support.mysql import MYSQLD
from tests.support.mysql_reading import read, rows, settings

CHANGES = [
    "INSERT INTO t VALUES (5, 'z')",
    "INSERT INTO t VALUES (5, 'z') RETURNING a",
    "REPLACE INTO t VALUES (1, 'q') RETURNING *",
    "UPDATE t SET b = 'q'",
    "DELETE FROM t",
    "DELETE FROM t RETURNING a",
    "TRUNCATE TABLE t",
    "DROP TABLE t",
    "DROP DATABASE {database}",
    "CREATE TABLE n (a INT)",
    "CREATE TABLE n AS SELECT * FROM t",
    "CREATE VIEW v AS SELECT * FROM t",
    "CREATE TEMPORARY TABLE n (a INT)",
    "ALTER TABLE t ADD c INT",
    "RENAME TABLE t TO n",
    "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE t",
    "SELECT * FROM t INTO OUTFILE '{data}/out.txt'",
    "SELECT * INTO OUTFILE '{data}/out.txt' FROM t",
    "SELECT * /*! INTO OUTFILE '{data}/out.txt' */ FROM t",
    "SELECT a INTO DUMPFILE '{data}/out.txt' FROM t LIMIT 1",
    "SELECT a INTO @x FROM t LIMIT 1",
    "CALL writes()",
    "CALL giving()",
    "SELECT writing()",
    "DO writing()",
    "SELECT NEXTVAL(s)",
    "SELECT SETVAL(s, 100)",
    "SET GLOBAL wait_timeout = 1234",
    "SET SESSION TRANSACTION READ WRITE",
    "SET STATEMENT tx_read_only = 0 FOR INSERT INTO t VALUES (6, 'r') RETURNING a",
    "COMMIT",
    "LOCK TABLES t WRITE",
    "EXECUTE IMMEDIATE 'INSERT INTO t VALUES (8, 8) RETURNING a'",
    "PREPARE p FROM 'DELETE FROM t'",
    "BEGIN NOT ATOMIC INSERT INTO t VALUES (9, 'b'); SELECT 1; END",
    "ANALYZE INSERT INTO t VALUES (12, 'an')",
    "EXPLAIN INSERT INTO t VALUES (12, 'an')",
    "OPTIMIZE TABLE t",
    "WITH x AS (SELECT 1) DELETE FROM t",
    "SELECT 1; DROP TABLE t",
    "/*! DROP TABLE t */",
    "/*!50000 INSERT INTO t VALUES (50, 'c') */",
    "/*M! DROP TABLE t */",
    "GRANT ALL ON *.* TO nobody@'%'",
    "CREATE USER someone",
    "KILL 999999",
    "SHUTDOWN",
    "FLUSH TABLES",
    "USE mysql",
    "-- nothing",
    "",
]


@pytest.fixture(scope="module")
def stocked(mariadb: MariaDBServer) -> Iterator[Database]:
    """One database for all tests of the module: it never changes."""
    mariadb.execute("CREATE DATABASE stocked")
    database = Database(mariadb, "stocked")
    for statement in (
        "CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(10)) ENGINE = InnoDB",
        "INSERT INTO t VALUES (1, 'x'), (2, 'y')",
        *(() if MYSQLD else ("CREATE SEQUENCE s",)),
        "CREATE PROCEDURE writes() INSERT INTO t VALUES (99, 'p')",
        "CREATE PROCEDURE giving() SELECT * FROM t",
        "CREATE FUNCTION writing() RETURNS INT BEGIN INSERT INTO t VALUES (7, 'f'); RETURN 1; END",
    ):
        database.execute(statement)
    yield database
    mariadb.execute("DROP DATABASE stocked")


def _state(database: Database) -> list[Any]:
    server = database.server
    asked = (
        "SELECT * FROM stocked.t ORDER BY a",
        *(() if MYSQLD else ("SELECT next_not_cached_value FROM stocked.s",)),
        "SELECT table_schema, table_name FROM information_schema.tables ORDER BY 1, 2",
        "SELECT user, host FROM mysql.user ORDER BY 1, 2",
        "SELECT @@global.wait_timeout, @@global.read_only",
    )
    files = sorted(path.name for path in server.data.iterdir())
    return [*(server.execute(sql) for sql in asked), files]


@pytest.mark.parametrize("sql", CHANGES)
def test_nothing_changes(stocked: Database, sql: str) -> None:
    statement = sql.format(database=stocked.name, data=stocked.server.data)
    before = _state(stocked)
    with pytest.raises(ConfigError) as caught:
        read(settings(stocked), statement)
    assert _state(stocked) == before
    assert caught.value.hint


@pytest.mark.parametrize("sql", ["ANALYZE TABLE t", "CHECK TABLE t", "SELECT * FROM t FOR UPDATE"])
def test_what_some_servers_let_through_changes_nothing_either(stocked: Database, sql: str) -> None:
    before = _state(stocked)
    with contextlib.suppress(ConfigError):
        read(settings(stocked), sql)
    assert _state(stocked) == before


def test_the_session_is_what_it_should_be(database: Database) -> None:
    tx = "transaction" if MYSQLD else "tx"
    sql = f"SELECT @@{tx}_read_only AS r, @@{tx}_isolation AS i, @@time_zone AS z,"
    # MySQL does not say whether a transaction runs.
    sql += f" @@character_set_results AS c, {1 if MYSQLD else '@@in_transaction'} AS t"
    expected = [(1, "REPEATABLE-READ", "+00:00", "utf8mb4", 1)]
    assert rows(read(settings(database), sql)) == expected
    database.execute(f"SET GLOBAL {tx}_isolation = 'READ-UNCOMMITTED'")
    try:
        assert rows(read(settings(database), sql)) == expected
    finally:
        database.execute(f"SET GLOBAL {tx}_isolation = 'REPEATABLE-READ'")


def test_parameters_are_refused(stocked: Database) -> None:
    with pytest.raises(ConfigError, match=r"2 parameters \(\?\)"):
        read(settings(stocked), "SELECT * FROM t WHERE a = ? OR b = ?")
    assert rows(read(settings(stocked), "SELECT '?' AS a, 'x%sy%' AS b")) == [("?", "x%sy%")]


@pytest.mark.parametrize(
    "sql",
    [
        *("SELECT 1", "select 1", "  \n\tSHOW TABLES", "(SELECT 1)", "((SELECT 1))", "TABLE t"),
        *("/* c */ SELECT 1", "-- c\nSELECT 1", "# c\nSELECT 1", "--\nSELECT 1", "VALUES (1)"),
        *("WITH a AS (SELECT 1) SELECT * FROM a", "DESC t", "DESCRIBE t", "EXPLAIN SELECT 1"),
        *("SELECT intonation FROM t", "SHOW CREATE TABLE `t`"),
    ],
)
def test_words_that_only_read(sql: str) -> None:
    assert only_reads(sql)


@pytest.mark.parametrize(
    "sql",
    [
        *("", "  ", "-- SELECT 1", "/* SELECT 1 */", "/*! SELECT 1 */", "/*M! SELECT 1 */"),
        *("INSERT INTO t VALUES (1)", "SELECT 1 INTO OUTFILE 'x'", "SELECT 1 into @a", "SELECTED"),
        *("SELECT 1 /*!INTO OUTFILE 'x'*/", "EXECUTE IMMEDIATE 'x'", "/* a */ DROP TABLE t", "1"),
        *("--SELECT 1", "SELECT 'into'", "ANALYZE TABLE t", "CALL p()"),
    ],
)
def test_words_that_may_do_more(sql: str) -> None:
    assert not only_reads(sql)

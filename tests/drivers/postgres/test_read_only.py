"""No statement that an extract is given changes anything, whatever it says."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from osiris.core.errors import ConfigError, StepError
from osiris.drivers.postgres.copy_out.statement import without_end
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.postgres_reading import read, settings

CHANGES = [
    "INSERT INTO t VALUES (5, 'z')",
    "INSERT INTO t VALUES (5, 'z') RETURNING a",
    "UPDATE t SET b = 'q' RETURNING *",
    "DELETE FROM t RETURNING a",
    "MERGE INTO t USING t AS s ON t.a = s.a WHEN MATCHED THEN DELETE",
    "TRUNCATE t",
    "DROP TABLE t",
    "CREATE TABLE n AS SELECT * FROM t",
    "CREATE VIEW v AS SELECT * FROM t",
    "SELECT * INTO n FROM t",
    "SELECT * INTO TEMP n FROM t",
    "WITH x AS (DELETE FROM t RETURNING a) SELECT * FROM x",
    "WITH x AS (INSERT INTO t VALUES (6, 'w') RETURNING a) SELECT a FROM x",
    "SELECT 1 AS a; DROP TABLE t",
    "SELECT 1 AS a; COMMIT; DROP TABLE t",
    "SELECT 1) TO STDOUT; DROP TABLE t; COPY (SELECT 1",
    "SELECT 1) TO PROGRAM 'touch {data}/out' --",
    "SELECT 1 AS a) TO '{data}/out' --",
    "SELECT 1 AS a FROM t) AS x (c1)) TO '{data}/out' --",
    "COPY t TO '{data}/out'",
    "COPY t TO PROGRAM 'touch {data}/out'",
    "COPY (SELECT 1) TO STDOUT",
    "COPY t FROM '/etc/hostname'",
    "SELECT writing() AS a",
    "SELECT writing_sql() AS a",
    "SELECT a FROM t, LATERAL writing() AS w",
    "SELECT unlocking() AS a",
    "SELECT set_config('transaction_read_only', 'off', true) AS a, writing() AS b",
    "SELECT set_config('transaction_read_only', 'off', false) AS a, writing() AS b",
    "SELECT set_config('default_transaction_read_only', 'off', false) AS a, writing() AS b",
    "SELECT nextval('s') AS a",
    "SELECT setval('s', 100) AS a",
    "SELECT a FROM t FOR UPDATE",
    "EXPLAIN ANALYZE DELETE FROM t",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SET transaction_read_only = off",
    "COMMIT",
    "ROLLBACK; DROP TABLE t",
    "PREPARE p AS DELETE FROM t",
    "DO $$ BEGIN DELETE FROM t; END $$",
    "CALL writes()",
    "CALL committing()",
    "LISTEN x",
    "LOCK TABLE t",
    "VACUUM t",
    "REFRESH MATERIALIZED VIEW m",
    "REASSIGN OWNED BY osiris TO postgres",
    "ALTER SYSTEM SET work_mem = '7MB'",
    "CREATE ROLE someone",
]

TABLES = """
CREATE TABLE t (a INT PRIMARY KEY, b TEXT);
INSERT INTO t VALUES (1, 'x'), (2, 'y');
CREATE SEQUENCE s;
CREATE MATERIALIZED VIEW m AS SELECT count(*) AS c FROM t;
CREATE FUNCTION writing() RETURNS INT LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO t VALUES (100, 'w'); RETURN 1; END $$;
CREATE FUNCTION writing_sql() RETURNS INT LANGUAGE sql AS
  $$ UPDATE t SET b = 'w' RETURNING 1 $$;
CREATE FUNCTION unlocking() RETURNS INT LANGUAGE plpgsql AS
  $$ BEGIN SET TRANSACTION READ WRITE; INSERT INTO t VALUES (101, 'u'); RETURN 1; END $$;
CREATE PROCEDURE writes() LANGUAGE sql AS $$ DELETE FROM t $$;
CREATE PROCEDURE committing() LANGUAGE plpgsql AS
  $$ BEGIN COMMIT; DELETE FROM t; END $$;
"""
STATE = (
    "SELECT (SELECT array_agg(t::text ORDER BY a) FROM t), (SELECT c FROM m),"
    " (SELECT is_called FROM s), (SELECT array_agg(relname::text ORDER BY 1) FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace), (SELECT count(*) FROM pg_roles),"
    " (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_file_settings"
    " WHERE name = 'work_mem')"
)


@pytest.fixture(scope="module")
def untouched(postgres: PostgresServer) -> Iterator[PostgresDatabase]:
    postgres.create_database("untouched")
    one = PostgresDatabase(postgres, "untouched")
    one.execute(TABLES)
    yield one
    postgres.drop_database("untouched")


@pytest.mark.parametrize("statement", CHANGES)
def test_nothing_is_changed(untouched: PostgresDatabase, statement: str) -> None:
    outside = untouched.server.data / "out"
    before = untouched.execute(STATE)
    with pytest.raises(StepError) as caught:
        read(settings(untouched), statement.replace("{data}", str(untouched.server.data)))
    assert isinstance(caught.value, ConfigError)
    assert untouched.execute(STATE) == before
    assert not outside.exists()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT lo_creat(-1) AS a",  # which old servers let a READ ONLY transaction do
        "SELECT set_config('work_mem', '7MB', false) AS a",
        "SELECT pg_notify('c', 'x')::text AS a",
        "SELECT pg_advisory_lock(1)::text AS a",
    ],
)
def test_nothing_is_committed(untouched: PostgresDatabase, query: str) -> None:
    """What a READ ONLY transaction may do goes with it: it is never committed."""
    before = untouched.execute(STATE)
    with contextlib.suppress(ConfigError):
        assert read(settings(untouched), query).num_rows == 1
    assert untouched.execute(STATE) == before
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    deadline = time.monotonic() + 60
    while untouched.execute(held) != [(0,)]:
        assert time.monotonic() < deadline


def test_what_is_refused_says_so(untouched: PostgresDatabase) -> None:
    with pytest.raises(ConfigError, match="an extract reads only") as caught:
        read(settings(untouched), "SELECT writing() AS a")
    assert "READ ONLY on the server" in (caught.value.hint or "")
    with pytest.raises(ConfigError, match="returns no rows"):
        read(settings(untouched), "DROP TABLE t")
    with pytest.raises(ConfigError, match=r"parameters \(\$1\)"):
        read(settings(untouched), "SELECT a FROM t WHERE a = $1")


@pytest.mark.parametrize("level", ["on", "off"])
def test_the_server_knows(untouched: PostgresDatabase, level: str) -> None:
    query = (
        "SELECT current_setting('transaction_read_only') AS r,"
        " current_setting('transaction_isolation') AS i,"
        " current_setting('default_transaction_read_only') AS d"
    )
    options = {"default_transaction_read_only": level}
    found = read(settings(untouched, options=options), query).to_pylist()
    assert found == [{"r": "on", "i": "repeatable read", "d": "on"}]


READS = [
    ("SELECT a FROM t ORDER BY a", [1, 2]),
    ("TABLE t", [1, 2]),
    ("VALUES (1), (2)", [1, 2]),
    ("(SELECT a FROM t WHERE a = 1) UNION ALL SELECT 2", [1, 2]),
    ("WITH x AS (SELECT a FROM t) SELECT a FROM x ORDER BY a", [1, 2]),
    (
        "WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 2) TABLE r",
        [1, 2],
    ),
    ("SELECT a -- ;) a comment\nFROM t /* ( ; */ ORDER BY a;  ", [1, 2]),
    ("SELECT a FROM t ORDER BY a -- at the end", [1, 2]),
    ("SELECT 1 AS a UNION ALL SELECT 2 /* at the end */", [1, 2]),
    ("SELECT a FROM t ORDER BY a; -- done", [1, 2]),
    ("SELECT a FROM t ORDER BY a ;; /* ; */ -- done\n ; ", [1, 2]),
    ("SELECT length('--') - 1 AS a UNION ALL SELECT length(';--') - 1", [1, 2]),
    ('SELECT 1 AS ";--" UNION ALL SELECT length(E\'\\\';--\') - 2 AS "b;--"', [1, 2]),
    ("SELECT 1 AS a UNION ALL SELECT length($x$;--$x$) - 1;", [1, 2]),
    ("SELECT 1 AS a UNION ALL SELECT length(';-- ') - length($$;-$$)", [1, 2]),
    ("SELECT length(');$$''') - 4 AS a UNION ALL SELECT length($x$;;)$x$) - 1", [1, 2]),
]


@pytest.mark.parametrize("query, values", READS)
@pytest.mark.parametrize("cast", [False, True], ids=["plain", "wrapped"])
def test_every_way_to_read(
    untouched: PostgresDatabase, query: str, values: list[int], cast: bool
) -> None:
    if cast:  # a type that is asked for as a text makes the query a part of another
        query = f"SELECT * FROM (\n{without_end(query)}\n) AS q, (SELECT '1'::bit) AS b"
    assert read(settings(untouched), query).column(0).to_pylist() == values

"""The reader against PyMySQL's own rows: random tables, random queries, any size of buffer."""

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Database
from tests.support.mysql import MYSQLD
from tests.support.mysql_reading import pymysql_rows, read, rows
from tests.support.mysql_reading import settings as connection_to

WAYS = ("tcp", "socket", "tls")
BUFFERS = (1, 3, 8, 17, 64, 200, 1000, 5000, 1 << 16, 1 << 20)

_integers = {
    f"{name}INT{sign}": st.integers(0, (1 << bits) - 1)
    if sign
    else st.integers(-(1 << bits - 1), (1 << bits - 1) - 1)
    for name, bits in (("TINY", 8), ("SMALL", 16), ("MEDIUM", 24), ("", 32), ("BIG", 64))
    for sign in ("", " UNSIGNED")
}


def _decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    limit = 10**precision - 1
    return st.integers(-limit, limit).map(lambda n: Decimal(f"{n}E-{scale}"))  # rounds nothing


_midnight = dt.time()
_naive = st.datetimes(dt.datetime.combine(dt.date(1000, 1, 1), _midnight))
_stamps = st.datetimes(
    dt.datetime.combine(dt.date(1970, 1, 2), _midnight),
    dt.datetime.combine(dt.date(2037, 12, 31), _midnight),
)
_words = st.text(st.characters(codec="utf-8"), max_size=60)
_long_words = st.builds(lambda word, times: word * times, _words, st.integers(0, 400))
_times = st.timedeltas(dt.timedelta(hours=-838), dt.timedelta(hours=838))

TYPES: dict[str, st.SearchStrategy[Any]] = {
    **_integers,
    "TINYINT(1)": st.integers(-128, 127),
    "DECIMAL(5,0)": _decimals(5, 0),
    "DECIMAL(12,2)": _decimals(12, 2),
    "DECIMAL(18,9)": _decimals(18, 9),
    "DECIMAL(19,1)": _decimals(19, 1),
    "DECIMAL(30,30)": _decimals(30, 30),
    "DECIMAL(65,30)": _decimals(65, 30),
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False),
    "FLOAT": st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False),
    "DATE": st.dates(dt.date(1000, 1, 1)),
    "DATETIME": _naive.map(lambda moment: moment.replace(microsecond=0)),
    "DATETIME(6)": _naive,
    "TIMESTAMP(6) NULL": _stamps,
    "TIME": _times.map(lambda time: dt.timedelta(seconds=round(time.total_seconds()))),
    "TIME(6)": _times,
    "YEAR": st.integers(1901, 2155),
    "VARCHAR(80)": _words,
    "LONGTEXT": _long_words,
    "JSON": st.sampled_from(['{"a": [1, "é😀"]}', "null", "[]"]),
    "ENUM('a', 'b', 'ü')": st.sampled_from(["a", "b", "ü"]),
    "SET('x', 'y', 'z')": st.sampled_from(["", "x", "x,z", "x,y,z"]),
    "BIT(12)": st.integers(0, 4095),
    "VARBINARY(70)": st.binary(max_size=70),
    "LONGBLOB": st.builds(lambda part, n: part * n, st.binary(max_size=40), st.integers(0, 500)),
}


@dataclass(frozen=True)
class RandomTable:
    """Column types, and rows of values for them."""

    types: list[str]
    rows: list[list[Any]]


@st.composite
def tables(draw: st.DrawFn) -> RandomTable:
    types = draw(st.lists(st.sampled_from(sorted(TYPES)), min_size=1, max_size=20))
    row = st.tuples(*(st.none() | TYPES[name] for name in types)).map(list)
    return RandomTable(types, draw(st.lists(row, max_size=25)))


def _fill(database: Database, table: RandomTable, name: str = "t") -> None:
    columns = ", ".join(f"c{i} {kind}" for i, kind in enumerate(table.types))
    database.execute(f"DROP TABLE IF EXISTS {name}")
    database.execute(f"CREATE TABLE {name} ({columns}) CHARSET utf8mb4")
    connection = pymysql.connect(
        unix_socket=database.server.socket,
        user="root",
        database=database.name,
        charset="utf8mb4",
        autocommit=True,
        init_command="SET time_zone = '+00:00'",
    )
    marks = ", ".join("%s" for _ in table.types)
    with connection, connection.cursor() as cursor:
        for row in table.rows:
            cursor.execute(f"INSERT INTO {name} VALUES ({marks})", row)


def _same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float) and ours != theirs:
        # In text, which PyMySQL reads, a FLOAT is rounded to six digits.
        return float(f"{ours:.6g}") == theirs
    return type(ours) is type(theirs) and bool(ours == theirs)


def _compare(database: Database, sql: str, way: str, **options: Any) -> None:
    ours = rows(read(connection_to(database, way), sql, **options))
    theirs = pymysql_rows(database, sql)
    assert len(ours) == len(theirs)
    for row, expected in zip(ours, theirs, strict=True):
        assert all(map(_same, row, expected)), (row, expected)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(table=tables(), way=st.sampled_from(WAYS), buffer_bytes=st.sampled_from(BUFFERS))
def test_random_tables(database: Database, table: RandomTable, way: str, buffer_bytes: int) -> None:
    _fill(database, table)
    _compare(database, "SELECT * FROM t", way, buffer_bytes=buffer_bytes)


EXPRESSIONS = (
    *("id", "n + 1", "n / 3", "-n", "n * 1.5", "n DIV 7", "id % 4", "id & 6", "~id", "n IS NULL"),
    *("w", "CONCAT(w, '/', id)", "UPPER(w)", "LENGTH(w)", "LEFT(w, 2)", "NULLIF(w, 'b')", "HEX(w)"),
    *("IF(id > 5, n, NULL)", "CASE WHEN id > 5 THEN w END", "COALESCE(w, n)", "NULL", "''", "TRUE"),
    *(
        "'%s %d %%'",
        "d",
        "d + INTERVAL 1 DAY",
        "DATE(d)",
        "YEAR(d)",
        "TIME(d)",
        "UNIX_TIMESTAMP(d)",
    ),
    *(
        "TIMEDIFF(d, '2000-01-01')",
        "CAST(n AS CHAR)",
        "CAST(id AS UNSIGNED)",
        "RAND(3)",
        "SHA2(w, 256)",
    ),
    *("CAST(w AS BINARY)", "JSON_OBJECT('a', id)", "CAST(id AS DOUBLE)", "POW(id, 2)", "x'00ff'"),
    *("CAST(n AS DECIMAL(20,5))", "SQRT(id)", "d - INTERVAL 5 MICROSECOND", "GREATEST(id, n)"),
)
SOURCES = (
    "FROM t",
    "FROM t WHERE id < 0",
    "FROM t ORDER BY id DESC LIMIT 3",
    "FROM t LEFT JOIN u ON u.k = t.id ORDER BY id",
    "FROM t WHERE EXISTS (SELECT 1 FROM u)",
    "FROM (SELECT * FROM t UNION ALL SELECT id + 100, n, w, d FROM t) AS x ORDER BY id",
)


@pytest.fixture
def prepared(database: Database) -> Database:
    database.script(
        """
        CREATE TABLE t (id INT, n DECIMAL(10,2), w VARCHAR(30), d DATETIME(6)) CHARSET utf8mb4;
        CREATE TABLE u (k BIGINT UNSIGNED);
        INSERT INTO u VALUES (2), (3), (3);
        INSERT INTO t VALUES (1, 1.5, 'a', '2024-02-29 01:02:03.000004'), (2, NULL, 'b', NULL),
            (3, -7, '', '1999-12-31'), (8, 99999999.99, NULL, '9999-12-31 23:59:59'),
            (9, 0, '漢字😀', '1000-01-01');
        """
    )
    return database


@pytest.mark.parametrize("seed", range(40))
def test_random_queries(prepared: Database, seed: int) -> None:
    pick = random.Random(seed)
    source = pick.choice(SOURCES)
    chosen = pick.choices(EXPRESSIONS, k=pick.choice([1, 1, 2, 5, 12]))
    columns = ", ".join(f"{expression} AS c{i}" for i, expression in enumerate(chosen))
    _compare(
        prepared,
        f"SELECT {columns} {source}",
        pick.choice(WAYS),
        buffer_bytes=pick.choice(BUFFERS),
    )


QUERIES = (
    "SELECT w, COUNT(*) AS c, SUM(n) AS s, AVG(n) AS a, MIN(d) AS m FROM t GROUP BY w WITH ROLLUP",
    "SELECT NULL AS a UNION SELECT 1 UNION SELECT 2.5",
    "SELECT 1 AS a UNION SELECT 'x'",
    "SELECT NULL AS a FROM t",
    "SHOW TABLES",
    "SHOW COLUMNS FROM t",
    "SHOW CREATE TABLE t",
    "SELECT * FROM information_schema.columns WHERE table_schema = DATABASE()",
    "WITH RECURSIVE s AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM s WHERE i < 9) SELECT * FROM s",
    "SELECT ROW_NUMBER() OVER (ORDER BY id) AS r, LAG(w) OVER (ORDER BY id) AS l FROM t",
    "VALUES ROW(1, 'a'), ROW(2, NULL)" if MYSQLD else "VALUES (1, 'a'), (2, NULL)",
    "(SELECT id FROM t) INTERSECT (SELECT k FROM u)",
    "SELECT * FROM t WHERE w LIKE '%%' /* 100 % */ -- % at the end",
    "DESCRIBE t;",
    "EXPLAIN SELECT * FROM t",
    "SELECT 'a;b' AS a;",
)


@pytest.mark.parametrize("sql", QUERIES)
def test_queries(prepared: Database, sql: str) -> None:
    _compare(prepared, sql, "socket", buffer_bytes=50)
    _compare(prepared, sql, "tcp")


@pytest.mark.parametrize("columns", [1, 6, 7, 8, 14, 15, 500, 1000])
def test_many_columns(database: Database, columns: int) -> None:
    """The bitmap of NULLs begins at its third bit and grows by a byte every eight columns."""
    for null in (0, 1, 6, columns):
        cells = (
            f"IF(s.seq % 7 = {i} % 7 OR {i} = {null}, NULL, s.seq * {i}) AS c{i}"
            for i in range(columns)
        )
        _compare(database, f"SELECT {', '.join(cells)} FROM seq_1_to_30 AS s", "socket")


@pytest.mark.parametrize("rows_wanted", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_many_rows(database: Database, rows_wanted: int) -> None:
    sql = f"SELECT seq AS a, IF(seq % 5, seq, NULL) AS b FROM seq_1_to_200000 LIMIT {rows_wanted}"
    table = read(connection_to(database), sql)
    assert table["a"].to_pylist() == list(range(1, rows_wanted + 1))
    assert table["b"].to_pylist() == [n if n % 5 else None for n in range(1, rows_wanted + 1)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("buffer_bytes", [70_000, 1 << 20, 8 << 20])
def test_rows_of_many_lengths(database: Database, way: str, buffer_bytes: int) -> None:
    """Rows of a few bytes beside rows of tens of thousands, through every path of the receiver."""
    sql = """
        SELECT seq AS id, REPEAT('x', CASE WHEN seq % 997 = 0 THEN 90000 WHEN seq % 50 = 0 THEN 251
            ELSE seq % 250 END) AS w, NULLIF(seq % 3, 0) AS n FROM seq_1_to_30000
    """
    table = read(connection_to(database, way), sql, buffer_bytes=buffer_bytes)
    numbers = range(1, 30_001)
    assert table["id"].to_pylist() == list(numbers)
    assert table["n"].to_pylist() == [n % 3 or None for n in numbers]
    lengths = [90_000 if n % 997 == 0 else 251 if n % 50 == 0 else n % 250 for n in numbers]
    assert table["w"].to_pylist() == ["x" * length for length in lengths]

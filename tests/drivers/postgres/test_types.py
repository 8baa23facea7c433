"""Every type, its extremes included, against what psycopg makes of it or the server's own text."""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from osiris.core.errors import ConfigError, DataError
from tests.support.postgres import PostgresDatabase, PostgresServer
from tests.support.postgres_reading import read, reader, settings, taken

D = pa.decimal128
BIG = "9" * 40

# Type in SQL, type in Arrow, values as PostgreSQL takes them.
AS_PSYCOPG: list[tuple[str, pa.DataType, tuple[str, ...]]] = [
    ("smallint", pa.int16(), ("-32768", "32767", "0")),
    ("integer", pa.int32(), ("-2147483648", "2147483647", "-1")),
    ("bigint", pa.int64(), ("-9223372036854775808", "9223372036854775807", "1")),
    ("oid", pa.uint32(), ("0", "4294967295")),
    ("real", pa.float32(), ("0.1", "-0", "3.4028235e38", "1e-45", "Infinity", "-Infinity")),
    ("double precision", pa.float64(), ("0.1", "5e-324", "1.7976931348623157e308", "-Infinity")),
    ("boolean", pa.bool_(), ("t", "f")),
    ("text", pa.string(), ("", " ", "a\tb\n", "\\N", "ünï 漢 😀", '"', "'", "x" * 100_000)),
    ("varchar(5)", pa.string(), ("", "abc", "😀😀😀😀😀")),
    ("char(5)", pa.string(), ("", "ab", "abcde")),
    ("name", pa.string(), ("n", "")),
    ("bytea", pa.binary(), ("", "\\x00ff", "\\x" + "ab" * 70_000)),
    ("date", pa.date32(), ("0001-01-01", "9999-12-31", "1970-01-01", "2024-02-29", "1582-10-10")),
    ("time", pa.time64("us"), ("00:00", "23:59:59.999999", "12:34:56.7")),
    ("timestamp", pa.timestamp("us"), ("0001-01-01", "9999-12-31 23:59:59.999999", "1969-12-31")),
    ("timestamp(3)", pa.timestamp("us"), ("2024-03-31 02:30:00.123456",)),
    ("numeric(1)", D(1, 0), ("0", "9", "-9")),
    ("numeric(4)", D(4, 0), ("1000", "-9999", "1")),
    ("numeric(5)", D(5, 0), ("10000", "-99999", "0")),
    ("numeric(5,5)", D(5, 5), ("0.00001", "-0.99999", "0.1", "0")),
    ("numeric(12,2)", D(12, 2), ("9999999999.99", "-0.01", "10000", "100000000", "0.10")),
    ("numeric(16,8)", D(16, 8), ("99999999.99999999", "-0.00000001", "1")),
    ("numeric(17,8)", D(17, 8), ("999999999.99999999", "-0.00000001", "1")),
    ("numeric(18,9)", D(18, 9), ("999999999.999999999", "-0.000000001", "1234.5")),
    ("numeric(38)", D(38, 0), ("9" * 38, "-" + "9" * 38, "1" + "0" * 37)),
    ("numeric(38,38)", D(38, 38), ("0." + "9" * 38, "-0." + "0" * 37 + "1", "0.5")),
    ("numeric(38,10)", D(38, 10), ("9" * 28 + "." + "9" * 10, "-1.5", "18446744073709551616")),
    ("numeric(39,1)", pa.decimal256(39, 1), ("9" * 38 + ".9", "-0.1")),
    ("numeric(76,38)", pa.decimal256(76, 38), ("-" + "9" * 38 + "." + "9" * 38, "1")),
    ("numeric(76)", pa.decimal256(76, 0), ("9" * 76, "-1" + "0" * 75, "0")),
    ("integer[]", pa.list_(pa.int32()), ("{}", "{1}", "{1,NULL,-3}", "{NULL}", "[5:6]={7,8}")),
    ("bigint[]", pa.list_(pa.int64()), ("{" + ",".join(map(str, range(5000))) + "}",)),
    ("text[]", pa.list_(pa.string()), ("{}", '{"",NULL,"NULL","a,b","\\"😀"}')),
    ("bytea[]", pa.list_(pa.binary()), ('{"\\\\x00ff",NULL,"\\\\x"}',)),
    ("boolean[]", pa.list_(pa.bool_()), ("{t,f,NULL}", "{}")),
    ("date[]", pa.list_(pa.date32()), ("{2024-02-29,NULL}",)),
    ("numeric(5,2)[]", pa.list_(D(5, 2)), ("{1.5,NULL,-999.99}", "{}")),
    ("real[]", pa.list_(pa.float32()), ("{1.5,NULL}",)),
]

# The same, for types whose values are the server's texts.
AS_TEXT: list[tuple[str, tuple[str, ...]]] = [
    ("numeric", ("0", "1.50", "-1e-30", BIG + ".5", "NaN", "Infinity", "-Infinity")),
    ("numeric(77,1)", ("9" * 76 + ".9", "-0.1")),
    ("numeric(1000)", ("9" * 1000,)),
    ("json", ('{"a" : 1, "a":2}', "null", '"😀"', " [ ] ")),
    ("jsonb", ('{"a" : 1, "b":"😀"}', "null", '""', "[1, 2]")),
    ("uuid", ("00112233-4455-6677-8899-aabbccddeeff", "ffffffff-ffff-ffff-ffff-ffffffffffff")),
    ("timetz", ("12:34:56.789+02", "24:00:00-15:59")),
    ("xml", ("<a>ü</a>", "text")),
    ("bit(4)", ("1010", "0000")),
    ("bit varying", ("1", "")),
    ('"char"', ("a", "", "\\351")),
    ("cidr", ("10.0.0.0/8", "2001:db8::/32")),
    ("macaddr", ("08:00:2b:01:02:03",)),
    ("int4range", ("[1,5)", "empty", "(,)")),
    ("int4multirange", ("{[1,2),[5,7)}",)),
    ("tstzrange", ('["2024-01-01 00:00:00+00",)',)),
    ("point", ("(0.1,1e300)",)),
    ("polygon", ("((0,0),(1,1),(1,0))",)),
    ("tsvector", ("'a':1 'b':2",)),
    ("pg_lsn", ("16/B374D848",)),
    ("xid8", ("18446744073709551615",)),
    ("regclass", ("pg_class",)),
    ("int2vector", ("1 2 3",)),
]


@pytest.fixture(scope="module")
def _one(postgres: PostgresServer) -> Iterator[PostgresDatabase]:
    postgres.create_database("types")
    yield PostgresDatabase(postgres, "types")
    postgres.drop_database("types")


@pytest.fixture
def pg(_one: PostgresDatabase) -> PostgresDatabase:
    """An empty database; making one takes longer than what most tests here do with it."""
    _one.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; ALTER DATABASE types RESET ALL")
    return _one


def _column(pg: PostgresDatabase, kind: str, values: Sequence[str | None]) -> None:
    pg.execute(f"CREATE TABLE t (i INT, c {kind}, z INT DEFAULT 7)")
    for place, value in enumerate([*values, None]):
        pg.execute(f"INSERT INTO t VALUES (%s, %s::text::{kind})", [place, value])


def _read_column(pg: PostgresDatabase, **options: Any) -> pa.ChunkedArray:
    table = read(settings(pg), "SELECT i, c, z FROM t ORDER BY i", **options)
    assert table["i"].to_pylist() == list(range(table.num_rows))
    assert set(table["z"].to_pylist()) == {7}
    return table["c"]


@pytest.mark.parametrize("kind, arrow, values", AS_PSYCOPG, ids=[case[0] for case in AS_PSYCOPG])
def test_values_are_those_of_psycopg(
    pg: PostgresDatabase, kind: str, arrow: pa.DataType, values: tuple[str, ...]
) -> None:
    _column(pg, kind, values)
    read_here = _read_column(pg)
    assert read_here.type == arrow
    # psycopg makes a 64-bit number of the text of a 32-bit one.
    column = "c::float8" if kind == "real" else "c::float8[]" if kind == "real[]" else "c"
    expected = [row[0] for row in pg.execute(f"SELECT {column} FROM t ORDER BY i")]
    assert [repr(value) for value in read_here.to_pylist()] == [repr(v) for v in expected]
    assert expected[-1] is None


@pytest.mark.parametrize("kind, values", AS_TEXT, ids=[case[0] for case in AS_TEXT])
def test_values_are_texts_of_the_server(
    pg: PostgresDatabase, kind: str, values: tuple[str, ...]
) -> None:
    _column(pg, kind, values)
    read_here = _read_column(pg)
    assert read_here.type == pa.string()
    expected = [row[0] for row in pg.execute("SELECT c::text FROM t ORDER BY i")]
    assert read_here.to_pylist() == expected


def test_nan_is_nan(pg: PostgresDatabase) -> None:
    table = read(settings(pg), "SELECT 'NaN'::float8 AS a, 'NaN'::float4 AS b, '-0'::float8 AS c")
    assert all(math.isnan(value) for name in "ab" for value in table[name].to_pylist())
    assert math.copysign(1, table["c"][0].as_py()) == -1


def test_moments_are_in_utc(pg: PostgresDatabase) -> None:
    pg.execute(f"ALTER DATABASE {pg.name} SET timezone = 'Asia/Kathmandu'")
    pg.execute(f"ALTER DATABASE {pg.name} SET datestyle = 'German'")
    query = "SELECT TIMESTAMPTZ '2024-03-31 02:30:00.000001+02' AS a, ARRAY[a0] AS b, a0::text AS c"
    table = read(
        settings(pg), f"{query} FROM (SELECT TIMESTAMPTZ '0001-01-01 00:00+00' AS a0) AS q"
    )
    assert table["a"].type == pa.timestamp("us", "UTC")
    assert table["a"].cast(pa.timestamp("us")).to_pylist() == [
        dt.datetime(2024, 3, 31, 0, 30, 0, 1)  # noqa: DTZ001 - in UTC, as said above
    ]
    assert table["b"].type == pa.list_(pa.timestamp("us", "UTC"))
    assert table["c"].to_pylist() == ["0001-01-01 00:00:00+00"]


@pytest.mark.parametrize(
    "text, months, days, micros",
    [
        ("1 year 2 mons 3 days 04:05:06.789", 14, 3, 14_706_789_000),
        ("-1 mons +1 day -00:00:00.000001", -1, 1, -1),
        ("178000000 years", 2_136_000_000, 0, 0),
        ("-2147483648 days", 0, -2_147_483_648, 0),
        ("2562000:00:00", 0, 0, 2_562_000 * 3_600_000_000),
        ("0", 0, 0, 0),
    ],
)
def test_intervals(pg: PostgresDatabase, text: str, months: int, days: int, micros: int) -> None:
    table = read(settings(pg), f"SELECT INTERVAL '{text}' AS a UNION ALL SELECT NULL")
    assert table["a"].type == pa.month_day_nano_interval()
    assert table["a"].to_pylist() == [(months, days, micros * 1000), None]


def test_an_interval_that_does_not_fit(pg: PostgresDatabase) -> None:
    with pytest.raises(DataError, match="column 'a' holds an interval"):
        read(settings(pg), "SELECT INTERVAL '2600000 hours' AS a")


INFINITE = [
    ("date", ("infinity", "-infinity", "0001-12-31 BC", "10000-01-01", "5874897-12-31")),
    ("timestamp", ("infinity", "-infinity", "0001-12-31 23:59:59.999999 BC", "294276-12-31")),
    ("timestamptz", ("infinity", "-infinity", "4713-01-01 00:00+00 BC", "10000-01-01 00:00+00")),
    ("time", ("24:00:00",)),
    ("date[]", ("{infinity,2024-01-01}", "{10000-01-01}")),
]


@pytest.mark.parametrize("kind, values", INFINITE, ids=[case[0] for case in INFINITE])
def test_no_date_is_ever_a_wrong_date(
    pg: PostgresDatabase, kind: str, values: tuple[str, ...]
) -> None:
    _column(pg, kind, values)
    running = reader(settings(pg), "SELECT i, c FROM t ORDER BY i")
    found = taken(running)["c"].to_pylist()
    if kind == "date[]":
        assert found == [[None, dt.date(2024, 1, 1)], [None], None]
    else:
        assert found == [None] * (len(values) + 1)
    assert dict(running.lost) == {("c", "infinite_dates"): len(values)}
    for place in range(len(values)):
        with pytest.raises(DataError, match="column 'c' holds a date or time beyond"):
            read(settings(pg), f"SELECT c FROM t WHERE i = {place}", infinite_dates="error")


@pytest.mark.parametrize("declared", ["numeric(5,2)", "numeric(38,2)", "numeric(76,2)"])
def test_nan_of_a_declared_numeric(pg: PostgresDatabase, declared: str) -> None:
    _column(pg, declared, ("1.5", "NaN", "-2"))
    running = reader(settings(pg), "SELECT i, c FROM t ORDER BY i")
    assert taken(running)["c"].to_pylist() == [Decimal("1.50"), None, Decimal("-2.00"), None]
    assert dict(running.lost) == {("c", "numeric_nan"): 1}
    with pytest.raises(DataError, match=r"column 'c' holds NaN, .* in row 2"):
        read(settings(pg), "SELECT c FROM t ORDER BY i", numeric_nan="error")


def test_scales_beyond_the_digits(pg: PostgresDatabase) -> None:
    query = "SELECT 12345::numeric(3,-2) AS a, 0.00123::numeric(2,4) AS b"
    table = read(settings(pg), query)
    assert table.schema.types == [D(5, 0), D(4, 4)]
    assert table.to_pylist() == [{"a": Decimal(12300), "b": Decimal("0.0012")}]


@pytest.mark.parametrize("locale, scale", [("C", 2)])
def test_money(pg: PostgresDatabase, locale: str, scale: int) -> None:
    pg.execute(f"ALTER DATABASE {pg.name} SET lc_monetary = '{locale}'")
    texts = ("92233720368547758.07", "-92233720368547758.08", "0", "-0.01")
    _column(pg, "money", texts)
    found = _read_column(pg)
    assert found.type == D(19, scale)
    assert found.to_pylist() == [*map(Decimal, texts), None]


def test_types_of_ones_own(pg: PostgresDatabase) -> None:
    pg.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'ok', 'hap''py');"
        "CREATE DOMAIN price AS numeric(8,2); CREATE DOMAIN prices AS numeric(8,2)[];"
        "CREATE TYPE pair AS (a INT, b TEXT); CREATE EXTENSION citext; CREATE DOMAIN word AS text;"
        "CREATE TABLE t (m mood, ms mood[], p price, ps price[], q prices, r pair, rs pair[],"
        " c citext, w word, ws word[], ip inet);"
        "INSERT INTO t VALUES ('hap''py', '{sad,NULL}', 1.5, '{2.5,NULL}', '{3.5}', '(1,\"a b\")',"
        " ARRAY[ROW(2, NULL)::pair], 'CaSe', 'w', '{x,NULL}', '10.1.2.3');"
        "INSERT INTO t DEFAULT VALUES"
    )
    table = read(settings(pg), "SELECT * FROM t")
    assert table.to_pylist()[0] == {
        "m": "hap'py",
        "ms": ["sad", None],
        "p": Decimal("1.50"),
        "ps": [Decimal("2.50"), None],
        "q": [Decimal("3.50")],
        "r": '(1,"a b")',
        "rs": ["(2,)"],
        "c": "CaSe",
        "w": "w",
        "ws": ["x", None],
        "ip": "10.1.2.3",
    }
    assert set(table.to_pylist()[1].values()) == {None}
    assert table.schema.field("ps").type == pa.list_(D(8, 2))


def test_a_row_of_nulls_is_not_null(pg: PostgresDatabase) -> None:
    query = "SELECT ROW(NULL, NULL) AS a, NULL::record AS b, int4range(NULL, NULL) AS c"
    assert read(settings(pg), query).to_pylist() == [{"a": "(,)", "b": None, "c": "(,)"}]


def test_addresses(pg: PostgresDatabase) -> None:
    texts = ("10.0.0.1", "10.0.0.1/24", "::1", "2001:db8::ff00:42:8329/64", "10.0.0.0/8")
    _column(pg, "inet", texts)
    assert _read_column(pg).to_pylist() == [*texts, None]


def test_arrays_that_are_no_lists(pg: PostgresDatabase) -> None:
    with pytest.raises(DataError, match="column 'a' holds an array of 2 dimensions") as caught:
        read(settings(pg), "SELECT ARRAY[[1, 2], [3, 4]] AS a")
    assert "CAST" in (caught.value.hint or "")
    table = read(settings(pg), "SELECT ARRAY[[1, 2], [3, 4]]::text AS a")
    assert table["a"].to_pylist() == ["{{1,2},{3,4}}"]


def test_texts_that_are_no_utf8(pg: PostgresDatabase) -> None:
    raw = f"raw_{pg.name}"
    pg.server.execute(f"CREATE DATABASE {raw} ENCODING 'SQL_ASCII' TEMPLATE template0")
    try:
        pg.server.execute("CREATE TABLE t AS SELECT convert_from('\\xe9', 'SQL_ASCII') AS a", raw)
        with pytest.raises(DataError, match=r"no character|cannot be read as text"):
            read(settings(pg, database=raw), "SELECT a FROM t")
    finally:
        pg.server.drop_database(raw)
    pg.server.execute(f"CREATE DATABASE {raw} ENCODING 'LATIN1' TEMPLATE template0")
    try:
        pg.server.execute("CREATE TABLE t AS SELECT 'Z' || chr(252) || 'rich' AS a", raw)
        assert read(settings(pg, database=raw), "TABLE t").to_pylist() == [{"a": "Zürich"}]
    finally:
        pg.server.drop_database(raw)


# --- shapes -------------------------------------------------------------------------------------


def test_no_rows(pg: PostgresDatabase) -> None:
    pg.execute("CREATE TABLE t (a INT, b NUMERIC, c TEXT[], d TIMETZ)")
    table = read(settings(pg), "SELECT * FROM t")
    assert table.num_rows == 0
    assert table.schema.types == [pa.int32(), pa.string(), pa.list_(pa.string()), pa.string()]


@pytest.mark.parametrize("query", ["SELECT", "SELECT FROM t", "SELECT * FROM t"])
def test_no_columns(pg: PostgresDatabase, query: str) -> None:
    pg.execute("CREATE TABLE t ()")
    with pytest.raises(ConfigError, match="returns no columns"):
        read(settings(pg), query)


def test_columns_of_one_name(pg: PostgresDatabase) -> None:
    with pytest.raises(ConfigError, match="more than one column named 'a', 'b'"):
        read(settings(pg), "SELECT 1 AS a, 2 AS b, 3 AS a, 4 AS b, 5 AS c")


def test_five_hundred_columns(pg: PostgresDatabase) -> None:
    names = [f"c{number}" for number in range(500)]
    columns = ", ".join(f"i + {number} AS {name}" for number, name in enumerate(names))
    table = read(settings(pg), f"SELECT {columns} FROM generate_series(1, 300) AS i")
    assert table.column_names == names
    assert table["c499"].to_pylist() == [i + 499 for i in range(1, 301)]


@pytest.mark.parametrize("way", ["tcp", "socket", "tls"])
def test_large_values(pg: PostgresDatabase, way: str) -> None:
    query = (
        "SELECT i, repeat(chr(64 + i), i * 3000000) AS a,"
        " decode(repeat(to_hex(i % 16), 2000000 + i % 2), 'hex') AS b"
        " FROM generate_series(1, 5) AS i WHERE i % 2 = 1 OR i < 100"
    ).replace("2000000 + i % 2", "2000000")
    table = read(settings(pg, way), query)
    assert table["a"].to_pylist() == [chr(64 + i) * i * 3_000_000 for i in range(1, 6)]
    assert table["b"].to_pylist() == [bytes([i * 17]) * 1_000_000 for i in range(1, 6)]


@pytest.mark.parametrize("room", [64, 1000, 65536])
def test_every_size_of_buffer_gives_the_same(pg: PostgresDatabase, room: int) -> None:
    query = (
        "SELECT i AS a, CASE WHEN i % 3 = 0 THEN NULL ELSE repeat('ä', i % 500) END AS b,"
        " (i * 1.5)::numeric(9, 2) AS c, CASE WHEN i % 5 = 0 THEN ARRAY[i, NULL] END AS d"
        " FROM generate_series(1, 1500) AS i"
    )
    assert read(settings(pg), query, buffer_bytes=room) == read(settings(pg), query)

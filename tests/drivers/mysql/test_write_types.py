"""Every type, there and back: MySQL to MySQL, and Arrow into tables that are made."""

import datetime as dt
import decimal
import random
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.core.errors import ConfigError, DataError
from tests.conftest import Database
from tests.drivers.mysql.test_types import CASES, Case
from tests.support.mysql import MYSQLD, shown_type
from tests.support.mysql_reading import read
from tests.support.mysql_reading import settings as connection
from tests.support.mysql_writing import Target


@pytest.fixture
def target(database: Database, tmp_path: Path) -> Target:
    return Target(database, tmp_path)


@pytest.fixture
def local_infile(database: Database, request: pytest.FixtureRequest) -> Iterator[None]:
    """Allow LOAD DATA LOCAL or not."""
    database.execute(f"SET GLOBAL local_infile = {int(request.param)}")
    yield
    database.execute("SET GLOBAL local_infile = 1")


BOTH_WAYS = pytest.mark.parametrize(
    "local_infile", [True, False], ids=["load", "insert"], indirect=True
)


@BOTH_WAYS
@pytest.mark.usefixtures("local_infile")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sql)
def test_mysql_to_mysql(target: Target, case: Case) -> None:
    """What was read, written into a table of the same type, is read the same again."""
    database = target.database
    literals = (*case.literals, "NULL", case.literals[0])
    for name in ("source", "t"):
        database.execute(
            f"CREATE TABLE {name} (id INT AUTO_INCREMENT PRIMARY KEY, v {case.sql} NULL)"
            " CHARSET utf8mb4"
        )
    database.execute(f"INSERT INTO source (v) VALUES {', '.join(f'({x})' for x in literals)}")
    # FLOAT(7,4) rounds as a decimal does, and to the writer it is one.
    columns = "id, CAST(v AS DECIMAL(7,4)) AS v" if case.sql == "FLOAT(7,4)" else "id, v"
    found = read(connection(database), f"SELECT {columns} FROM source", tinyint1=case.tinyint1)
    target.write(found)
    back = read(connection(database), f"SELECT {columns} FROM t", tinyint1=case.tinyint1)
    assert back.equals(found)


DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(
        st.tuples(
            st.none() | DOUBLES,
            st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False),
            st.none() | TEXTS,
            st.none() | st.binary(max_size=30),
            st.none() | st.integers(0, 2**64 - 1),
            st.none() | st.timedeltas(dt.timedelta(hours=-838), dt.timedelta(hours=838)),
        ),
        max_size=40,
    )
)
def test_any_values(target: Target, rows: list[tuple[Any, ...]]) -> None:
    """-0.0 is the one value that comes back as another: 0.0, which equals it."""
    kinds = [pa.float64(), pa.float32(), pa.string(), pa.binary(), pa.uint64(), pa.duration("us")]
    arrays = [pa.array([row[n] for row in rows], kind) for n, kind in enumerate(kinds)]
    table = pa.table([pa.array(range(len(rows)), pa.int32()), *arrays], ["id", *"abcdef"])
    for local in (1, 0):
        target.database.execute(f"SET GLOBAL local_infile = {local}")
        target.write(table, write_mode="replace")
        assert target.read("id").to_pylist() == table.to_pylist()


@BOTH_WAYS
@pytest.mark.usefixtures("local_infile")
def test_floats_of_any_bits(target: Target) -> None:
    noise = random.Random(7)
    bits = [noise.getrandbits(64) for _ in range(20_000)]
    doubles = [struct.unpack("<d", value.to_bytes(8, "little"))[0] for value in bits]
    floats = [struct.unpack("<f", (value & 0xFFFFFFFF).to_bytes(4, "little"))[0] for value in bits]
    whole = [
        (d, f) for d, f in zip(doubles, floats, strict=True) if abs(d) < 1e309 and abs(f) < 1e39
    ]
    table = pa.table(
        {
            "id": pa.array(range(len(whole)), pa.int32()),
            "d": pa.array([d for d, _ in whole], pa.float64()),
            "f": pa.array([f for _, f in whole], pa.float32()),
        }
    )
    target.write(table)
    assert target.read("id").equals(table)


def _one(value: Any, kind: pa.DataType) -> pa.Array:
    if pa.types.is_temporal(kind) and isinstance(value, int):
        whole = pa.int32() if kind.bit_width == 32 else pa.int64()
        return pa.array([value, None], whole).cast(kind)
    return pa.array([value, None], kind)


MADE = [
    (pa.bool_(), True, "tinyint(1)", 1),
    (pa.int8(), -128, "tinyint(4)", -128),
    (pa.uint8(), 255, "tinyint(3) unsigned", 255),
    (pa.int16(), -32768, "smallint(6)", -32768),
    (pa.uint16(), 65535, "smallint(5) unsigned", 65535),
    (pa.int32(), -(2**31), "int(11)", -(2**31)),
    (pa.uint32(), 2**32 - 1, "int(10) unsigned", 2**32 - 1),
    (pa.int64(), -(2**63), "bigint(20)", -(2**63)),
    (pa.uint64(), 2**64 - 1, "bigint(20) unsigned", 2**64 - 1),
    (pa.float16(), 0.5, "float", 0.5),
    (pa.float32(), 3.4028234663852886e38, "float", 3.4028234663852886e38),
    (pa.float64(), 5e-324, "double", 5e-324),
    (pa.decimal128(5, 2), decimal.Decimal("-999.99"), "decimal(5,2)", decimal.Decimal("-999.99")),
    (pa.decimal128(3, 3), decimal.Decimal("0.001"), "decimal(3,3)", decimal.Decimal("0.001")),
    (pa.decimal256(65, 30), decimal.Decimal("9" * 35), "decimal(65,30)", decimal.Decimal("9" * 35)),
    (pa.string(), "a\0\t\n\r\x1a\\'\"`%😀 ", "longtext", "a\0\t\n\r\x1a\\'\"`%😀 "),
    (pa.large_string(), "\\N", "longtext", "\\N"),
    (pa.string_view(), "NULL", "longtext", "NULL"),
    (pa.dictionary(pa.int8(), pa.string()), "", "longtext", ""),
    (pa.binary(), bytes(range(256)), "longblob", bytes(range(256))),
    (pa.large_binary(), b"\\N", "longblob", b"\\N"),
    (pa.binary(3), b"\0\\\n", "longblob", b"\0\\\n"),
    (pa.null(), None, "longtext", None),
    (pa.date32(), dt.date(1, 1, 1), "date", dt.date(1, 1, 1)),
    (pa.date64(), dt.date(9999, 12, 31), "date", dt.date(9999, 12, 31)),
    (pa.timestamp("s"), -1, "datetime(6)", dt.datetime.fromisoformat("1969-12-31T23:59:59")),
    (
        pa.timestamp("ns"),
        1000,
        "datetime(6)",
        dt.datetime.fromisoformat("1970-01-01T00:00:00.000001"),
    ),
    (
        pa.timestamp("us", "Asia/Tokyo"),
        1,
        "datetime(6)",
        dt.datetime.fromisoformat("1970-01-01T00:00:00.000001"),
    ),
    (pa.time32("ms"), 86_399_999, "time(6)", dt.timedelta(milliseconds=86_399_999)),
    (pa.time64("us"), 1, "time(6)", dt.timedelta(microseconds=1)),
    (pa.duration("ms"), -1, "time(6)", dt.timedelta(milliseconds=-1)),
    (pa.list_(pa.int32()), [1, None], "longtext", "[1, null]"),
    (pa.struct([("a", pa.string())]), {"a": "é"}, "longtext", '{"a": "é"}'),
    (pa.json_(), '{"a":[1]}', "longtext", '{"a":[1]}'),
    (pa.uuid(), bytes(15) + b"\xff", "char(36)", "00000000-0000-0000-0000-0000000000ff"),
]


@BOTH_WAYS
@pytest.mark.usefixtures("local_infile")
@pytest.mark.parametrize(
    "kind,value,column,back", MADE, ids=[f"{case[0]}-{number}" for number, case in enumerate(MADE)]
)
def test_a_table_that_is_made_holds_the_values(
    target: Target, kind: pa.DataType, value: Any, column: str, back: Any
) -> None:
    table = pa.table({"id": pa.array([1, 2], pa.int8()), "v": _one(value, kind)})
    for _ in range(2):  # into a table that is made, and into one that is there
        target.write(table)
    shown = target.database.execute("SHOW COLUMNS FROM t LIKE 'v'")[0][1]
    # What is JSON is a text with a check in MariaDB.
    assert shown in {column, shown_type(column)} or (shown == "json" and column == "longtext")
    found = target.read("id")["v"].to_pylist()
    if column == "longtext" and (shown == "json" or not isinstance(value, str | None)):
        found = [text and text.replace(" ", "") for text in found]
        back = back.replace(" ", "")
    assert found == [back, back, None, None]


@pytest.mark.parametrize(
    "kind,named",
    [
        (pa.decimal256(66, 0), "decimal256"),
        (pa.decimal256(40, 31), "30 of them after the point"),
        (pa.month_day_nano_interval(), "interval"),
    ],
    ids=["66 digits", "31 after the point", "interval"],
)
def test_what_no_column_can_be_made_for(target: Target, kind: pa.DataType, named: str) -> None:
    with pytest.raises(DataError, match=named):
        target.write(pa.table({"v": pa.array([None], kind)}))
    assert target.tables() == []


# --- values that MySQL would take and give back as others ----------------------------------------

NAN, INFINITY = float("nan"), float("inf")
UNTRUE = [
    ("DOUBLE", pa.float64(), [1.0, NAN], "row 2 .*neither NaN"),
    ("FLOAT", pa.float32(), [1.0, 2.0, -INFINITY], "row 3 .*infinities"),
    ("FLOAT(7,2)", pa.float64(), [1.005], "cannot hold"),
    ("FLOAT", pa.float64(), [0.1], "digits"),
    ("INT", pa.int64(), [1, 2**31], "row 2"),
    ("MEDIUMINT", pa.int32(), [1, 2**23], "row 2"),
    ("INT UNSIGNED", pa.int32(), [0, -1], "row 2"),
    ("YEAR", pa.int32(), [2000, 1900], "row 2"),
    ("YEAR", pa.int32(), [2000, 5], "row 2"),
    ("DECIMAL(5,2)", pa.decimal128(10, 3), [decimal.Decimal("1.005")], "row 1"),
    ("CHAR(5)", pa.string(), ["a", "a "], "row 2 .*drops spaces"),
    ("VARCHAR(3)", pa.string(), ["abc", "abcd"], "row 2 .*longer than 3"),
    ("VARCHAR(3)", pa.string(), ["abc", "abc "], "row 2 .*longer than 3"),
    ("TINYTEXT", pa.string(), ["é" * 200], "row 1"),
    ("VARCHAR(9) CHARACTER SET latin1", pa.string(), ["é", "漢"], "row 2"),
    ("VARCHAR(9) CHARACTER SET utf8mb3", pa.string(), ["é", "😀"], "row 2"),
    ("BINARY(3)", pa.binary(), [b"abc", b"ab"], "row 2 .*fills it up"),
    ("VARBINARY(3)", pa.binary(), [b"abc", b"abcd"], "row 2"),
    ("BIT(12)", pa.binary(), [b"\x0f\xff", b"\x10\0"], "row 2"),
    ("ENUM('a', 'b')", pa.string(), ["a", "2"], "row 2 .*none of the column's values"),
    ("ENUM('a', 'b')", pa.string(), ["a", "A"], "row 2 .*none of the column's values"),
    ("SET('a', 'b')", pa.string(), ["a,b", "b,a"], "row 2 .*in their order"),
    ("SET('a', 'b')", pa.string(), ["a", "3"], "row 2 .*in their order"),
    ("DATETIME(3)", pa.timestamp("us"), [0, 1], "row 2 .*3 digits"),
    ("TIMESTAMP", pa.timestamp("us"), [1_000_000, 0], "row 2 .*reach"),
    ("TIME", pa.duration("s"), [0, 839 * 3600], "row 2 .*reach"),
    ("DATE", pa.date32(), [0, 2_932_897], "row 2 .*reach"),
    ("JSON", pa.string(), ['{"a": 1}', "{"], "row 2|JSON|CHECK"),
    *([] if MYSQLD else [("INET4", pa.string(), ["1.2.3.4", "1.2.3"], "row 2")]),
    ("INT NOT NULL", pa.int32(), [1, None], "row 2 .*must not be NULL"),
    ("INT NOT NULL DEFAULT 5", pa.int32(), [1, None], "row 2 .*must not be NULL"),
    ("TEXT", pa.int32(), [1], "cannot hold the input's int32"),
]


@BOTH_WAYS
@pytest.mark.usefixtures("local_infile")
@pytest.mark.parametrize(
    "column,kind,values,message",
    UNTRUE,
    ids=[f"{case[0]}-{number}" for number, case in enumerate(UNTRUE)],
)
def test_nothing_is_silently_changed(
    target: Target, column: str, kind: pa.DataType, values: list[Any], message: str
) -> None:
    """Column and row are named, and not a row stays."""
    target.database.execute(f"CREATE TABLE t (v {column}) CHARSET utf8mb4")
    temporal = pa.types.is_temporal(kind)
    whole = pa.int32() if pa.types.is_date(kind) else pa.int64()
    array = pa.array(values, whole).cast(kind) if temporal else pa.array(values, kind)
    with pytest.raises(DataError, match=message) as caught:
        target.write(pa.table({"v": array}))
    assert re.search(r"['`.]v['`]", caught.value.message)
    assert target.rows() == []


@BOTH_WAYS
@pytest.mark.usefixtures("local_infile")
def test_zero_in_a_key_that_counts_itself(target: Target) -> None:
    target.database.execute("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)")
    target.write(pa.table({"id": pa.array([0, 5], pa.int32()), "v": pa.array([1, 2], pa.int32())}))
    target.write(pa.table({"v": pa.array([3], pa.int32())}))
    assert target.rows() == [(0, 1), (5, 2), (6, 3)]


# --- shapes --------------------------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.usefixtures("local_infile")
def test_large_values(target: Target) -> None:
    noise = random.Random(3).randbytes(10_000_000)
    text = "漢\\\t'" * 2_000_000
    table = pa.table({"b": [noise, b"", None], "t": [text, "", None], "n": [1, 2, 3]})
    target.write(table)
    assert target.read("n").equals(table)


@BOTH_WAYS
@pytest.mark.usefixtures("local_infile")
def test_no_rows(target: Target) -> None:
    table = pa.table({"a": pa.array([], pa.int32())})
    for mode in ("append", "replace"):
        target.write(table, write_mode=mode)
        assert target.rows() == []


def test_no_columns(target: Target) -> None:
    with pytest.raises(DataError, match="no columns"):
        target.write(pa.table({}))


def test_five_hundred_columns(target: Target) -> None:
    table = pa.table({f"c{n}": pa.array([n, None], pa.int64()) for n in range(500)})
    target.write(table)
    assert target.read("c1").sort_by("c0").equals(table)


def test_a_row_too_wide_for_the_server(target: Target) -> None:
    with pytest.raises(ConfigError, match="cannot make such a table"):
        target.write(pa.table({f"c{n}": ["x"] for n in range(2000)}))
    assert target.tables() == []


NAMES = ("select", "two words", "a.b", "tick`tick", "quote'\"", "ünï漢", "%s", "1", "x" * 64, "@v0")


@BOTH_WAYS
@pytest.mark.usefixtures("local_infile")
def test_names_are_taken_as_they_are(target: Target) -> None:
    table = pa.table({name: [name.encode()] for name in NAMES})
    for name in NAMES:
        for mode in ("append", "replace"):
            target.write(table, table=name, write_mode=mode)
        quoted = "`" + name.replace("`", "``") + "`"
        back = read(connection(target.database), f"SELECT * FROM {quoted}")
        assert back.equals(table)
    assert target.tables() == sorted(NAMES)


@pytest.mark.parametrize("name", ["x" * 65, "end ", "😀"])
@pytest.mark.parametrize("where", ["table", "column"])
def test_names_that_cannot_be(target: Target, name: str, where: str) -> None:
    table = pa.table({name if where == "column" else "a": [1]})
    with pytest.raises(ConfigError, match="cannot have the name"):
        target.write(table, table=name if where == "table" else "t")
    assert target.tables() == []


def test_columns_that_differ_only_by_case(target: Target) -> None:
    with pytest.raises(DataError, match="the same column to the database"):
        target.write(pa.table({"a": [1], "A": [2]}))


def test_tables_that_differ_only_by_case(target: Target) -> None:
    """Where the server tells them apart, the writer does too."""
    target.database.execute("CREATE TABLE T (other INT)")
    target.write(pa.table({"a": [1]}))
    assert target.rows() == [(1,)]
    assert target.database.execute("SELECT * FROM T") == []

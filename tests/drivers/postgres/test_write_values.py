"""Every Arrow type into PostgreSQL: the server shows each value as what was handed in."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from osiris.components.postgres_writer import COMPONENT
from osiris.core.errors import ConfigError, DataError
from tests.support.postgres import PostgresDatabase
from tests.support.postgres_values import CREATED, INTERVAL, NAIVE, Interval, created_table
from tests.support.table_writing import TableWriting


@pytest.fixture
def writing(pg: PostgresDatabase, tmp_path: Path) -> TableWriting:
    return TableWriting(pg, COMPONENT, tmp_path)


def test_created_columns_hold_every_value(writing: TableWriting) -> None:
    writing.write(created_table(), table="t", create_if_missing=True)
    types = dict(
        writing.rows(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = 't'::regclass AND attnum > 1"
        )
    )
    assert types == {name: created for name, (_, _, created, _) in CREATED.items()}
    for name, (_, values, _, texts) in CREATED.items():
        rows = writing.rows(f'SELECT "{name}"::text FROM t ORDER BY n LIMIT {len(values)}')
        assert [text for (text,) in rows] == texts, name


# A column of the server, what is written into it, and what it shows then; None: the same value.
EXISTING: list[tuple[str, pa.DataType, list[Any], list[str | None] | None]] = [
    ("boolean", pa.int8(), [1, 0, None], ["true", "false", None]),
    ("smallint", pa.int64(), [-5, None], ["-5", None]),
    ("integer", pa.bool_(), [True, False], ["1", "0"]),
    ("bigint", pa.decimal128(20, 0), [Decimal(5)], ["5"]),
    ("real", pa.float64(), [0.5, float("nan")], ["0.5", "NaN"]),
    ("double precision", pa.int32(), [7], ["7"]),
    ("numeric", pa.decimal128(9, 3), [Decimal("1.500")], ["1.500"]),
    ("numeric", pa.uint64(), [2**64 - 1], [str(2**64 - 1)]),
    ("numeric(5,1)", pa.decimal128(9, 3), [Decimal("1.500")], ["1.5"]),
    ("numeric(400,2)", pa.decimal256(76, 2), [Decimal("-1.50")], ["-1.50"]),
    (
        "numeric",
        pa.string(),
        ["1e-50", "NaN", "9" * 200],
        ["0." + "0" * 49 + "1", "NaN", "9" * 200],
    ),
    ("oid", pa.uint32(), [2**32 - 1], ["4294967295"]),
    ("varchar(4)", pa.string(), ["žluť"], ["žluť"]),
    ("varchar", pa.string(), ["any"], ["any"]),
    ("char(3)", pa.string(), ["ab"], ["ab"]),
    ("text", pa.json_(), ['{"a": 1}'], ['{"a": 1}']),
    ("text", pa.list_(pa.int8()), [[1, 2]], ["[1,2]"]),
    ("jsonb", pa.string(), ['{"b":1, "a":[1.50]}', None], ['{"a": [1.50], "b": 1}', None]),
    ("jsonb", pa.struct({"a": pa.int8()}), [{"a": 1}], ['{"a": 1}']),
    ("uuid", pa.string(), ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"], None),
    ("date", pa.date32(), [date(2024, 1, 1)], ["2024-01-01"]),
    ("timestamp", pa.date32(), [date(2024, 1, 1)], ["2024-01-01 00:00:00"]),
    ("timestamp(3)", pa.timestamp("ms"), [NAIVE.replace(microsecond=1000)], None),
    ("timestamptz", pa.timestamp("ns", "UTC"), [datetime(2024, 1, 1, tzinfo=UTC)], None),
    ("time", pa.duration("us"), [timedelta(hours=23)], ["23:00:00"]),
    ("interval", pa.duration("ms"), [timedelta(days=2)], ["48:00:00"]),
    ("mood", pa.string(), ["sad", None], ["sad", None]),
    ("shorty", pa.string(), ["abc"], ["abc"]),
    ("positive", pa.int64(), [7], ["7"]),
    ("smallint[]", pa.list_(pa.int64()), [[1, None], []], ["{1,NULL}", "{}"]),
    ("timestamp(0)[]", pa.list_(pa.timestamp("us")), [[NAIVE.replace(microsecond=0)]], None),
    ("mood[]", pa.list_(pa.string()), [["sad"], None], ["{sad}", None]),
    ("inet", pa.string(), ["10.0.0.1/8", None], ["10.0.0.1/8", None]),
    ("inet[]", pa.list_(pa.string()), [["10.0.0.1/8", None], None], ["{10.0.0.1/8,NULL}", None]),
    ("inet[]", pa.string(), ["{::1}", None], ["{::1}", None]),
    ("numeric[]", pa.list_(pa.string()), [["1e-5", "NaN"], []], ["{0.00001,NaN}", "{}"]),
    ("numeric[]", pa.list_(pa.decimal128(9, 3)), [[Decimal("1.500")]], ["{1.500}"]),
    ("interval(3)", INTERVAL, [Interval([1, 2, 5_000_000])], ["1 mon 2 days 00:00:00.005"]),
    ("int4range", pa.string(), ["[1,5)"], ["[1,5)"]),
    ("xml", pa.string(), ["<a/>"], ["<a/>"]),
    ("bit(3)", pa.string(), ["101"], ["101"]),
    ("interval year to month", pa.string(), ["1 year"], ["1 year"]),
    ("point", pa.string(), ["(1,2)"], ["(1,2)"]),
    ("money", pa.string(), ["1.50"], ["$1.50"]),
]
DOMAINS = (
    "CREATE TYPE mood AS ENUM ('sad', 'glad');"
    "CREATE DOMAIN short AS varchar(3); CREATE DOMAIN shorty AS short;"
    "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)"
)


def test_existing_columns_take_what_fits_them(writing: TableWriting) -> None:
    declared = ", ".join(f"c{i} {kind}" for i, (kind, *_) in enumerate(EXISTING))
    writing.rows(f"{DOMAINS}; CREATE TABLE t (n int, {declared})")
    longest = max(len(values) for _, _, values, _ in EXISTING)
    columns = {"n": pa.array(range(longest))}
    for i, (_, kind, values, _) in enumerate(EXISTING):
        columns[f"c{i}"] = pa.array([*values, *[None] * (longest - len(values))], kind)
    writing.write(pa.table(columns), table="t")
    for i, (kind, arrow, values, texts) in enumerate(EXISTING):
        query = f"SELECT c{i}::text, c{i} FROM t ORDER BY n LIMIT {len(values)}"
        shown = writing.rows(query)
        if texts is not None:
            assert [text for text, _ in shown] == texts, (kind, arrow)
        elif kind == "uuid":
            assert [value for _, value in shown] == [UUID(v) for v in values]
        else:
            assert [value for _, value in shown] == values, (kind, arrow)


@pytest.mark.parametrize(
    "column,kind,good,bad,shown",
    [
        ("smallint", pa.int64(), 1, 2**15, "32768"),
        ("boolean", pa.int8(), 1, 2, "2"),
        ("numeric(5,2)", pa.decimal128(9, 3), Decimal("1.500"), Decimal("1.505"), "1.505"),
        ("numeric(5,2)", pa.decimal128(9, 2), Decimal("1.50"), Decimal("1000.00"), "1000.00"),
        ("real", pa.float64(), 0.5, 0.1, "0.1"),
        ("varchar(2)", pa.string(), "ab", "abc", "'abc'"),
        ("text", pa.string(), "ab", "a\0b", r"'a\\x00b'"),
        ("uuid", pa.string(), "a0eebc999c0b4ef8bb6d6bb9bd380a11", "no", "'no'"),
        ("time", pa.duration("us"), timedelta(hours=1), timedelta(hours=24), "24:00:00"),
        ("timestamp(0)", pa.timestamp("ms"), 1000, 1, "1970-01-01 00:00:00.001"),
        ("timestamp", pa.timestamp("s"), 0, -(2**40), "-"),
        ("date", pa.date32(), 0, 2**31 - 1, "2147483647"),
        ("interval", INTERVAL, Interval([1, 1, 0]), Interval([0, 0, 1]), "P0M0"),
        ("interval(0)", INTERVAL, Interval([1, 1, 0]), Interval([0, 0, 10**8]), "P0M0"),
        ("smallint[]", pa.list_(pa.int32()), [1, None], [1, 2**20], "1048576"),
    ],
)
def test_the_first_value_that_does_not_fit_stops_everything(
    writing: TableWriting, column: str, kind: pa.DataType, good: Any, bad: Any, shown: str
) -> None:
    writing.rows(f"CREATE TABLE t (v {column}); INSERT INTO t VALUES (NULL)")
    table = pa.table({"v": pa.array([good, None] * 1000 + [good, bad, good], kind)})
    with pytest.raises(DataError, match=rf"column 'v' .* {shown}.* of row 2002 \(Arrow"):
        writing.write(table, table="t")
    assert writing.rows("SELECT count(*) FROM t") == [(1,)]


@pytest.mark.parametrize(
    "column,value,says",
    [
        ("mood", "cross", "mood.*cross.*line 2, column v"),
        ("json", "{", "line 2, column v"),
        ("inet", "nowhere", "inet.*nowhere"),
        ("positive", 0, "positive"),
    ],
)
def test_what_only_the_server_can_judge_is_its_error(
    writing: TableWriting, column: str, value: Any, says: str
) -> None:
    writing.rows(f"{DOMAINS}; CREATE TABLE t (v {column})")
    with pytest.raises(DataError, match=says):
        writing.write(pa.table({"v": [None, value]}), table="t")
    assert writing.rows("SELECT * FROM t") == []


@pytest.mark.parametrize("column", ["integer", "text", "timestamptz", "json", "boolean", "date[]"])
def test_a_type_that_means_something_else_stops_before_the_first_row(
    writing: TableWriting, column: str
) -> None:
    writing.rows(f"CREATE TABLE t (v {column})")

    table = pa.table({"v": pa.array([1.5])})
    if column == "integer":
        table = pa.table({"v": pa.array(["1"])})
    with pytest.raises(DataError, match=r"column 'v' of \"public\"\.\"t\" is .* cannot hold"):
        writing.write(table, table="t")


def test_names_are_what_they_are(writing: TableWriting) -> None:
    names = [
        "select",
        "Id",
        "id",
        "ID",
        'quo"te',
        "semi;colon",
        "žluť",
        "a.b",
        " ",
        "%s",
        "\\",
        "x" * 63,
    ]
    table = pa.table({name: [index] for index, name in enumerate(names)})
    for mode in ("append", "replace"):
        writing.write(table, table='or"der', schema=None, write_mode=mode, create_if_missing=True)
    assert writing.rows('SELECT * FROM "or""der"') == [tuple(range(len(names)))]
    writing.rows('CREATE SCHEMA "Sche ma"')
    writing.write(table, table="user", schema="Sche ma", create_if_missing=True)
    assert writing.rows('SELECT count(*) FROM "Sche ma"."user"') == [(1,)]


@pytest.mark.parametrize("name", ["x" * 64, "ž" * 32])
def test_a_name_that_would_be_cut_is_refused(writing: TableWriting, name: str) -> None:
    with pytest.raises(ConfigError, match="cut it to 63"):
        writing.write(pa.table({name: [1]}), table="t", create_if_missing=True)
    with pytest.raises(ConfigError, match="cut it to 63"):
        writing.write(pa.table({"a": [1]}), table=name, create_if_missing=True)


def test_wide_long_and_empty_tables(writing: TableWriting) -> None:
    wide = pa.table({f"c{n}": pa.array([n, None]) for n in range(500)})
    assert writing.write(wide, table="wide", create_if_missing=True) == 2
    assert writing.rows("SELECT c499, c0 FROM wide") == [(499, 0), (None, None)]
    long = pa.table({"a": ["x" * 10_000_000, None, "y"], "b": [b"\0" * 10_000_000, b"", None]})
    assert writing.write(long, table="long", create_if_missing=True) == 3
    query = "SELECT length(a), length(b), a LIKE 'x%x' FROM long WHERE length(a) > 1"
    assert writing.rows(query) == [(10_000_000, 10_000_000, True)]
    assert writing.write(wide.slice(0, 0), table="none", create_if_missing=True) == 0
    assert writing.rows("SELECT * FROM none") == []
    with pytest.raises(DataError, match="no columns"):
        writing.write(pa.table({}), table="nothing", create_if_missing=True)


def test_decimals_of_every_shape_arrive(writing: TableWriting) -> None:
    random = Random(4)
    columns = {"n": pa.array(range(43))}
    for precision in range(1, 77):
        scale = random.randint(0, precision)
        make = pa.decimal256 if precision > 38 else pa.decimal128
        whole = [random.randrange(10 ** random.randint(1, precision)) for _ in range(20)]
        numbers = [*whole, *(-n for n in whole), 0, 10**precision - 1, 1 - 10**precision]
        values = [Decimal(f"{n}e{-scale}") for n in numbers]
        columns[f"{precision},{scale}"] = pa.array(values, make(precision, scale))
    table = pa.table(columns)
    writing.write(table, table="t", create_if_missing=True)
    rows = writing.rows("SELECT * FROM t ORDER BY n")
    for column, shown in zip(columns, zip(*rows, strict=True), strict=True):
        assert list(shown) == columns[column].to_pylist(), column

"""Every type of MySQL, value by value, against what the server itself prints."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pytest

from osiris.core.errors import ConfigError, DataError
from osiris.drivers.mysql.reader import QueryReader, ReadOptions
from tests.conftest import Database
from tests.support.mysql import MYSQLD
from tests.support.mysql_reading import read, rows, settings


def _micros(value: np.datetime64) -> str:
    return str(value).replace("T", " ")


def _seconds(value: np.datetime64) -> str:
    return _micros(value)[:19]


def _millis(value: np.datetime64) -> str:
    return _micros(value)[:23]


def _number(value: np.timedelta64) -> str:
    return str(value.astype(int))


def _fixed_point(value: Any) -> str:
    return f"{value:f}"


def _hex(value: bytes) -> str:
    return value.hex().upper()


def _bit(value: bool) -> str:
    return str(int(value))


@dataclass(frozen=True)
class Case:
    """A column type, the Arrow type it must become, and values as SQL literals.

    `spell` writes a value as the server writes `server`, or `parse` reads what the server wrote.
    """

    sql: str
    arrow: pa.DataType
    literals: tuple[str, ...]
    spell: Callable[[Any], Any] = str
    server: str = "v"
    parse: Callable[[str], Any] = str
    tinyint1: Literal["int8", "bool"] = "int8"


def _integers(name: str, bits: int) -> list[Case]:
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    signed = (str(low), str(low + 1), "-1", "0", "1", str(high - 1), str(high))
    unsigned = ("0", "1", str(high), str(high + 1), str((1 << bits) - 1))
    arrow, unsigned_arrow = getattr(pa, f"int{bits}")(), getattr(pa, f"uint{bits}")()
    return [
        Case(name, arrow, signed),
        Case(f"{name} UNSIGNED", unsigned_arrow, unsigned),
        Case(f"{name} ZEROFILL", unsigned_arrow, unsigned, server="v + 0"),
    ]


def _decimals() -> list[Case]:
    tiny = "0." + "0" * 17 + "1"
    wide = "1234567890123456789012345678.0123456789"
    widest = "9" * 35 + "." + "9" * 30
    return [
        Case("DECIMAL(12,2)", pa.decimal128(12, 2), ("-9999999999.99", "0.01", "1.1", "0", "-0.5")),
        Case("DECIMAL(12,2) UNSIGNED", pa.decimal128(12, 2), ("9999999999.99", "0", "0.5")),
        Case("DECIMAL(5,0)", pa.decimal128(5, 0), ("-99999", "0", "99999")),
        Case("DECIMAL(6,3) ZEROFILL", pa.decimal128(6, 3), ("1.5", "999.999"), server="v + 0.000"),
        Case("DECIMAL(18,18)", pa.decimal128(18, 18), (tiny, "-" + tiny, "0"), _fixed_point),
        Case("DECIMAL(38,10)", pa.decimal128(38, 10), (wide, "-0.0000000001"), _fixed_point),
        Case("DECIMAL(39,0)", pa.decimal256(39, 0), ("9" * 39, "-" + "9" * 39)),
        Case("DECIMAL(65,30)", pa.decimal256(65, 30), (widest, "-" + widest, "0"), _fixed_point),
    ]


DATES = tuple(
    f"'{date}'"
    for date in (
        *("1000-01-01", "9999-12-31", "1969-12-31", "1970-01-01", "2000-02-29", "1900-02-28"),
        *("2024-02-29", "1582-10-10", "0001-01-01", "0000-01-01", "0000-12-31"),
    )
)
CLOCKS = ("'-838:59:59'", "'838:59:59'", "'00:00:00'", "'-00:00:01'", "'12:34:56'", "'24:00:00'")


def _temporals() -> list[Case]:
    stamp = pa.timestamp("us")
    clock = "'2024-01-02 03:04:05'"
    micros = (
        "'9999-12-31 23:59:59.999999'",
        "'2024-01-02 03:04:05.000006'",
        "'1000-01-01 0:0:0.5'",
    )
    stamps = ("'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'")
    # A last second with a fraction is MariaDB's alone.
    lowest = "'-838:59:58.999999'" if MYSQLD else "'-838:59:59.999999'"
    fractions = (lowest, "'838:59:58.999999'", "'-00:00:00.5'")
    # MySQL's TIME_TO_SEC knows whole seconds only.
    in_micros = "CAST(TIME_TO_SEC(v) * 1000000 AS SIGNED)"
    if MYSQLD:
        in_micros += " + MICROSECOND(v) * IF(v < 0, -1, 1)"
    return [
        Case("DATE", pa.date32(), DATES),
        Case("DATETIME", stamp, (*DATES, clock), _seconds),
        Case("DATETIME(6)", stamp, (*DATES, clock, *micros), _micros),
        Case("DATETIME(3)", stamp, ("'2024-01-02 03:04:05.789'", *DATES), _millis),
        Case("TIMESTAMP", stamp, stamps, _seconds),
        Case("TIMESTAMP(3)", stamp, ("'2024-03-31 02:30:00.789'", *stamps), _millis),
        Case("TIME", pa.duration("us"), CLOCKS, _number, in_micros),
        Case("TIME(6)", pa.duration("us"), (*CLOCKS, *fractions), _number, in_micros),
        Case("YEAR", pa.uint16(), ("1901", "2155", "0", "2024"), server="v + 0"),
    ]


TEXTS = (
    *("''", "' '", "'a'", "'NULL'", r"'\\N'", r"'line\nbreak\t\"q\",\\'", "'ünïcödé'", "'漢字'"),
    *("'😀👩\u200d🚀'", r"'nul\0in'", "'%s %d %'", "'end  '"),
    *("REPEAT('x', 250)", "REPEAT('x', 251)", "REPEAT('é', 126)"),
)
BYTES = ("''", "x'00'", "x'00FF8010'", "x'0D0A'", "'text'")


def _texts() -> list[Case]:
    texts = ("VARCHAR(300)", "TEXT", "MEDIUMTEXT", "LONGTEXT", "TEXT COLLATE utf8mb4_bin")
    blobs = ("BINARY(5)", "VARBINARY(20)", "TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB")
    other_charsets = {"latin1": "'é€ß'", "ucs2": "'é漢'", "utf8mb3": "'é漢'", "utf16": "'😀'"}
    return [
        *(Case(kind, pa.string(), TEXTS) for kind in texts),
        *(Case(kind, pa.binary(), BYTES, _hex, "HEX(v)") for kind in blobs),
        *(
            Case(f"VARCHAR(20) CHARACTER SET {charset}", pa.string(), (text, "''"))
            for charset, text in other_charsets.items()
        ),
        Case("TINYTEXT", pa.string(), ("REPEAT('x', 255)", "'😀'", "''")),
        Case("CHAR(20)", pa.string(), ("''", "'a'", "'😀'", "'end  '")),
        Case("TEXT", pa.string(), ("REPEAT('y', 65535)", "REPEAT('漢', 21845)")),
        Case("MEDIUMTEXT", pa.string(), ("REPEAT('y', 65536)", "REPEAT('漢', 100000)")),
        Case("JSON", pa.string(), ("""'{"a": [1, 2, "é😀"]}'""", "'null'", "'[]'", "'\"\"'")),
        Case("ENUM('a', 'b', 'ü', '')", pa.string(), ("'a'", "'b'", "'ü'", "''")),
        Case("SET('x', 'y', 'z')", pa.string(), ("''", "'x'", "'x,z'", "'x,y,z'")),
    ]


# Types that MySQL has not, and the scale of a DECIMAL that it has not.
_OF_MARIADB = [
    Case("DECIMAL(65,38)", pa.decimal256(65, 38), ("9" * 27, "-0." + "0" * 17 + "1"), _fixed_point),
    Case("UUID", pa.string(), ("'123e4567-e89b-12d3-a456-426655440000'",)),
    Case("INET6", pa.string(), ("'::1'", "'2001:db8::ff00:42:8329'", "'::1.2.3.4'")),
    Case("INET4", pa.string(), ("'1.2.3.4'",)),
]


FLOATS = ("0", "-0.1", "1.5", "1e10", "3.402823466e38", "1.2e-38", "16777217")
DOUBLES = ("0", "-0.1", "1e-320", "1.7976931348623157e308", "0.1", "3e0", "123456789.123456789")

CASES = [
    *_integers("TINYINT", 8),
    *_integers("SMALLINT", 16),
    *_integers("INT", 32),
    *_integers("BIGINT", 64),
    Case("MEDIUMINT", pa.int32(), ("-8388608", "-1", "0", "8388607")),
    Case("MEDIUMINT UNSIGNED", pa.uint32(), ("0", "8388608", "16777215")),
    Case("TINYINT(1)", pa.int8(), ("-128", "0", "1", "2", "127")),
    Case("BOOLEAN", pa.bool_(), ("0", "1", "1", "0"), _bit, tinyint1="bool"),
    Case("TINYINT(1) UNSIGNED", pa.uint8(), ("0", "2", "255"), tinyint1="bool"),
    Case("TINYINT(2)", pa.int8(), ("-5", "2"), tinyint1="bool"),
    *_decimals(),
    Case("FLOAT", pa.float32(), FLOATS, float, "v + 0e0", float),
    Case("FLOAT(7,4)", pa.float32(), ("999.9999", "-0.0001"), float, "v + 0e0", float),
    Case("DOUBLE", pa.float64(), DOUBLES, float, "v", float),
    *_temporals(),
    Case("BIT(1)", pa.binary(), ("b'0'", "b'1'"), _hex, "LPAD(HEX(v), 2, '0')"),
    Case("BIT(10)", pa.binary(), ("b'0'", "b'1111111111'"), _hex, "LPAD(HEX(v), 4, '0')"),
    Case("BIT(64)", pa.binary(), ("b'0'", "b'" + "1" * 64 + "'"), _hex, "LPAD(HEX(v), 16, '0')"),
    *_texts(),
    *([] if MYSQLD else _OF_MARIADB),
    Case("POINT", pa.binary(), ("POINT(1, 2)",), _hex, "HEX(v)"),
    Case("GEOMETRY", pa.binary(), ("ST_GeomFromText('LINESTRING(0 0, 1 1)')",), _hex, "HEX(v)"),
]


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Give the values, dates and times as numpy's: Python's know no year 0."""
    whole = column.combine_chunks()
    if pa.types.is_temporal(whole.type):
        found = whole.to_numpy(zero_copy_only=False)
        return [None if np.isnat(value) else value for value in found]
    values: list[Any] = whole.to_pylist()
    return values


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sql)
def test_values_are_what_the_server_prints(database: Database, case: Case) -> None:
    database.execute(
        f"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v {case.sql} NULL) CHARSET utf8mb4"
    )
    literals = (*case.literals, "NULL", case.literals[0])
    database.execute(f"INSERT INTO t (v) VALUES {', '.join(f'({text})' for text in literals)}")
    printed = database.execute(
        f"SELECT CAST({case.server} AS CHAR CHARACTER SET utf8mb4) FROM t ORDER BY id"
    )
    table = read(settings(database), "SELECT v FROM t ORDER BY id", tinyint1=case.tinyint1)
    assert table.schema.field("v").type == case.arrow
    spelled = [None if value is None else case.spell(value) for value in _values(table["v"])]
    expected = [None if text is None else case.parse(text) for (text,) in printed]
    assert len(expected) == len(literals)
    assert spelled == expected


def test_null_and_empty_are_two_things(database: Database) -> None:
    table = read(settings(database), "SELECT '' AS a, NULL AS b, x'' AS c, CAST(NULL AS CHAR) AS d")
    assert rows(table) == [("", None, b"", None)]
    assert [field.type for field in table.schema] == [
        pa.string(),
        pa.null(),
        pa.binary(),
        pa.string(),
    ]


@pytest.mark.parametrize("value", [2, -1, 127, -128])
def test_a_boolean_that_is_neither_0_nor_1_is_an_error(database: Database, value: int) -> None:
    database.execute("CREATE TABLE t (v TINYINT(1))")
    database.execute(f"INSERT INTO t VALUES (1), (NULL), ({value}), (0)")
    with pytest.raises(DataError, match=rf"column 'v' holds {value}, which is neither 0 nor 1"):
        read(settings(database), "SELECT v FROM t", tinyint1="bool")


NO_DATES = ("0000-00-00", "2024-00-00", "2024-01-00", "2024-00-01", "2024-02-31", "2023-02-29")


@pytest.mark.parametrize("kind", ["DATE", "DATETIME", "DATETIME(6)", "TIMESTAMP"])
def test_what_is_no_date_becomes_null_and_is_counted(database: Database, kind: str) -> None:
    wrong = NO_DATES if kind != "TIMESTAMP" else NO_DATES[:1]
    database.execute(f"CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v {kind} NULL, w DATE)")
    dates = [*wrong, "2024-02-29", None, *wrong]
    spelled = ", ".join("(NULL)" if date is None else f"('{date}')" for date in dates)
    database.script(f"SET sql_mode = 'ALLOW_INVALID_DATES'; INSERT INTO t (v) VALUES {spelled}")
    sql = "SELECT v, w FROM t ORDER BY id"
    reader = QueryReader(settings(database), sql, ReadOptions())
    table = pa.Table.from_batches(reader.batches(), schema=reader.schema)
    found = [str(value)[:10] if value else None for value in table["v"].to_pylist()]
    assert found == [date if date == "2024-02-29" else None for date in dates]
    assert reader.no_dates == {"v": 2 * len(wrong)}
    assert table["w"].null_count == len(dates)
    row = len(dates) - len(wrong) + 1
    with pytest.raises(DataError, match="column 'v' holds a date that is none in row 1 of"):
        read(settings(database), sql, zero_dates="error")
    later = f"SELECT v FROM t WHERE v = '2024-02-29' UNION ALL SELECT v FROM t WHERE id = {row}"
    with pytest.raises(DataError, match="in row 2 of"):
        read(settings(database), later, zero_dates="error", buffer_bytes=1)


def test_a_timestamp_is_read_in_utc_whatever_the_server_thinks(database: Database) -> None:
    database.script(
        "SET time_zone = '+05:00'; CREATE TABLE t (v TIMESTAMP NULL);"
        "INSERT INTO t VALUES ('2024-01-02 03:04:05');"
    )
    (value,) = read(settings(database), "SELECT v FROM t")["v"].to_pylist()
    assert value == dt.datetime(2024, 1, 1, 22, 4, 5)  # noqa: DTZ001 - the type has no zone


def test_two_columns_of_one_name_are_refused(database: Database) -> None:
    with pytest.raises(ConfigError, match="more than one column named 'a', 'é'") as caught:
        read(settings(database), "SELECT 1 AS a, 2 AS é, 3 AS a, 4 AS é, 5 AS b")
    assert "AS a_id" in (caught.value.hint or "")


def test_a_decimal_with_more_digits_than_announced_is_an_error(database: Database) -> None:
    database.execute("CREATE TABLE t (v DECIMAL(65,30))")
    database.execute(f"INSERT INTO t VALUES ({'9' * 35})")
    assert len(f"{database.execute('SELECT v + v FROM t')[0][0]:f}") == 67  # a digit too many
    with pytest.raises(DataError, match=r"column 'w' cannot be read as decimal256\(65, 30\)"):
        read(settings(database), "SELECT v + v AS w FROM t")


@pytest.mark.parametrize(
    "expression",
    [
        *("ROUND(1.2345, x)", "1.10 / 3", "AVG(x)", "SUM(x) * 1.5", "IF(x = 1, 1.1, 2.22)"),
        *("CASE x WHEN 1 THEN 1.23456 ELSE 7 END", "COALESCE(NULL, 1.50)", "x / 7", "-1.5"),
        *("GREATEST(x, 2.25)", "TRUNCATE(9.999, x)", "MOD(10.5, 3)", "POW(2, 0.5)", "x DIV 2"),
    ],
)
def test_expressions_have_the_type_and_the_value_of_the_server(
    database: Database, expression: str
) -> None:
    database.script("CREATE TABLE t (x INT); INSERT INTO t VALUES (1), (2), (3), (NULL)")
    group = " GROUP BY x" if "(x)" in expression and expression[:3] in {"AVG", "SUM"} else ""
    sql = f"SELECT {expression} AS v FROM t{group} ORDER BY x"
    expected = [value for (value,) in database.execute(sql)]
    assert read(settings(database), sql)["v"].to_pylist() == expected

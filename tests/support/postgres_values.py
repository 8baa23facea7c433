"""Values of every Arrow type, the PostgreSQL types that are created for them, what is shown."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa

Interval = pa.MonthDayNano
INTERVAL = pa.month_day_nano_interval()
NAIVE = datetime(2024, 2, 29, 23, 59, 59, 999999)  # noqa: DTZ001 - the column has no zone
NINES = "9" * 35 + "." + "9" * 30
TEXTS = ["", "NULL", r"\N", 'a"b,\t\n\\', "Žluť 🐎", " ", None]

# Arrow type, values, the type that is created for it, and the values as the server writes them.
CREATED: dict[str, tuple[pa.DataType, Sequence[Any], str, list[str | None]]] = {
    "bool": (pa.bool_(), [True, False, None], "boolean", ["true", "false", None]),
    "int8": (pa.int8(), [-128, 127], "smallint", ["-128", "127"]),
    "int16": (pa.int16(), [-(2**15), None, 2**15 - 1], "smallint", ["-32768", None, "32767"]),
    "int32": (pa.int32(), [-(2**31), 2**31 - 1], "integer", [str(-(2**31)), str(2**31 - 1)]),
    "int64": (pa.int64(), [-(2**63), 2**63 - 1], "bigint", [str(-(2**63)), str(2**63 - 1)]),
    "uint8": (pa.uint8(), [0, 255], "smallint", ["0", "255"]),
    "uint16": (pa.uint16(), [0, 65535], "integer", ["0", "65535"]),
    "uint32": (pa.uint32(), [0, 2**32 - 1], "bigint", ["0", "4294967295"]),
    "uint64": (pa.uint64(), [0, None, 2**64 - 1], "numeric(20,0)", ["0", None, str(2**64 - 1)]),
    "float32": (
        pa.float32(),
        [1.5, -0.0, float("nan"), float("inf")],
        "real",
        ["1.5", "-0", "NaN", "Infinity"],
    ),
    "float64": (
        pa.float64(),
        [0.1, 5e-324, float("-inf"), None],
        "double precision",
        ["0.1", "5e-324", "-Infinity", None],
    ),
    "float16": (pa.float16(), [1.5], "real", ["1.5"]),
    "decimal128": (
        pa.decimal128(12, 2),
        [Decimal("-9999999999.99"), Decimal("0.05"), None, Decimal(0)],
        "numeric(12,2)",
        ["-9999999999.99", "0.05", None, "0.00"],
    ),
    "decimal256": (
        pa.decimal256(65, 30),
        [Decimal(NINES), Decimal("-" + NINES), Decimal("1e-30")],
        "numeric(65,30)",
        [NINES, "-" + NINES, "0." + "0" * 29 + "1"],
    ),
    "decimal32": (pa.decimal32(9, 3), [Decimal("-1.005")], "numeric(9,3)", ["-1.005"]),
    "string": (pa.string(), TEXTS, "text", TEXTS),
    "large_string": (pa.large_string(), TEXTS, "text", TEXTS),
    "string_view": (pa.string_view(), TEXTS, "text", TEXTS),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), TEXTS, "text", TEXTS),
    "null": (pa.null(), [None, None], "text", [None, None]),
    "binary": (pa.binary(), [b"", b"\0\xff\\", None], "bytea", [r"\x", r"\x00ff5c", None]),
    "fixed binary": (pa.binary(2), [b"\0\1", None], "bytea", [r"\x0001", None]),
    "date32": (
        pa.date32(),
        [date.min, date.max, date(1970, 1, 1), None],
        "date",
        ["0001-01-01", "9999-12-31", "1970-01-01", None],
    ),
    "date64": (pa.date64(), [date(2000, 2, 29)], "date", ["2000-02-29"]),
    "time64": (
        pa.time64("us"),
        [time.min, time.max, None],
        "time without time zone",
        ["00:00:00", "23:59:59.999999", None],
    ),
    "time32": (pa.time32("s"), [time(1, 2, 3)], "time without time zone", ["01:02:03"]),
    "timestamp": (
        pa.timestamp("us"),
        [datetime.min, NAIVE, None],  # noqa: DTZ901 - the column has no zone
        "timestamp without time zone",
        ["0001-01-01 00:00:00", "2024-02-29 23:59:59.999999", None],
    ),
    "timestamp[s]": (
        pa.timestamp("s"),
        [datetime(9999, 12, 31)],  # noqa: DTZ001 - the column has no zone
        "timestamp without time zone",
        ["9999-12-31 00:00:00"],
    ),
    "timestamptz": (
        pa.timestamp("us", "Europe/Prague"),
        [datetime(2024, 7, 1, 12, tzinfo=ZoneInfo("Europe/Prague")), None],
        "timestamp with time zone",
        ["2024-07-01 10:00:00+00", None],
    ),
    "timestamptz[ms]": (
        pa.timestamp("ms", "UTC"),
        [datetime(1899, 1, 1, tzinfo=UTC)],
        "timestamp with time zone",
        ["1899-01-01 00:00:00+00"],
    ),
    "duration": (
        pa.duration("us"),
        [timedelta(hours=-838, minutes=-59, seconds=-59), timedelta(microseconds=1), None],
        "interval",
        ["-838:59:59", "00:00:00.000001", None],
    ),
    "interval": (
        pa.month_day_nano_interval(),
        [Interval([14, -3, 5_000_000_000]), None],
        "interval",
        ["1 year 2 mons -3 days +00:00:05", None],
    ),
    "uuid": (pa.uuid(), [UUID(int=1).bytes, None], "uuid", [str(UUID(int=1)), None]),
    "json": (pa.json_(), ['{"b": 1, "a": 1.0}', None], "json", ['{"b": 1, "a": 1.0}', None]),
    "list": (
        pa.list_(pa.int32()),
        [[1, None, 3], [], None],
        "integer[]",
        ["{1,NULL,3}", "{}", None],
    ),
    "list of texts": (
        pa.large_list(pa.string()),
        [["a,b", "", 'q"'], [None]],
        "text[]",
        [r'{"a,b","","q\""}', "{NULL}"],
    ),
    "list of decimals": (
        pa.list_(pa.decimal128(9, 2)),
        [[Decimal("1.50")], [Decimal("-7.25"), None]],
        "numeric(9,2)[]",
        ["{1.50}", "{-7.25,NULL}"],
    ),
    "list of lists": (pa.list_(pa.list_(pa.int8())), [[[1], []]], "json", ["[[1],[]]"]),
    "struct": (
        pa.struct({"a": pa.int64(), "b": pa.string()}),
        [{"a": 1, "b": "ž"}, None],
        "json",
        ['{"a":1,"b":"ž"}', None],
    ),
    "map": (pa.map_(pa.string(), pa.int8()), [[("k", 1)]], "json", ['[["k",1]]']),
}


def created_table() -> pa.Table:
    """Return a table of all the values, NULL where a column has fewer, and their number `n`."""
    longest = max(len(values) for _, values, _, _ in CREATED.values())
    columns = {"n": pa.array(range(longest))}
    for name, (kind, values, _, _) in CREATED.items():
        columns[name] = pa.array([*values, *[None] * (longest - len(values))], kind)
    return pa.table(columns)

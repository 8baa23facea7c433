"""Types on the way into DuckDB and out of it: exact, or an error."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.core.errors import ConfigError, DataError
from tests.support.driver_run import stream_of
from tests.support.sql import NUMBERS, Sql

MOMENT = dt.datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001 - a timestamp without a zone


@pytest.fixture
def sql(tmp_path: Path) -> Sql:
    return Sql(tmp_path)


# --- results ---

RESULTS = [
    ("1::HUGEINT", pa.decimal128(38, 0), Decimal(1)),
    ("sum(id)", pa.decimal128(38, 0), Decimal(12497500)),
    ("count(*)", pa.int64(), 5000),
    ("'b'::ENUM('a', 'b')", pa.string(), "b"),
    ("['b'::ENUM('a', 'b')]", pa.list_(pa.field("l", pa.string())), ["b"]),
    ("{'x': 'b'::ENUM('a', 'b')}", pa.struct([("x", pa.string())]), {"x": "b"}),
    ("MAP {'k': 1}", pa.map_(pa.string(), pa.int32()), [("k", 1)]),
    ("[1, NULL]", pa.list_(pa.field("l", pa.int32())), [1, None]),
    ("TIME '03:04:05.000006'", pa.time64("us"), dt.time(3, 4, 5, 6)),
    ("DATE '2024-02-29'", pa.date32(), dt.date(2024, 2, 29)),
    (
        "TIMESTAMP '2024-01-02 03:04:05.000006'",
        pa.timestamp("us"),
        MOMENT.replace(microsecond=6),
    ),
    (
        "TIMESTAMP_S '2024-01-02 03:04:05'",
        pa.timestamp("s"),
        MOMENT,
    ),
    (
        "TIMESTAMP_MS '2024-01-02 03:04:05'",
        pa.timestamp("ms"),
        MOMENT,
    ),
    (
        "'2024-01-02 03:04:05+02'::TIMESTAMPTZ",
        pa.timestamp("us", "UTC"),
        dt.datetime(2024, 1, 2, 1, 4, 5, tzinfo=dt.UTC),
    ),
    (
        "'7a1b9c10-0000-4000-8000-000000000001'::UUID",
        pa.string(),
        "7a1b9c10-0000-4000-8000-000000000001",
    ),
    ("'\\x00\\xFF'::BLOB", pa.binary(), b"\x00\xff"),
    ("'{\"a\": 1}'::JSON", pa.string(), '{"a": 1}'),
    ("1.50::DECIMAL(5,2)", pa.decimal128(5, 2), Decimal("1.50")),
    ("255::UTINYINT", pa.uint8(), 255),
    ("18446744073709551615::UBIGINT", pa.uint64(), 18446744073709551615),
    ("0.1::FLOAT", pa.float32(), pytest.approx(0.1)),
    ("NULL", pa.null(), None),
    ("INTERVAL '1 month 2 days 3.5 seconds'", pa.month_day_nano_interval(), (1, 2, 3_500_000_000)),
]


@pytest.mark.parametrize("expression, kind, value", RESULTS)
def test_a_result_has_an_exact_type(
    sql: Sql, expression: str, kind: pa.DataType, value: Any
) -> None:
    table = sql(f"SELECT {expression} AS v FROM df LIMIT 1", {"df": stream_of(NUMBERS)})
    assert table.schema.field("v").type == kind
    assert table.column("v").to_pylist() == [value]


@pytest.mark.parametrize(
    "expression",
    [
        "'101'::BIT",
        "340282366920938463463374607431768211455::UHUGEINT",
        "1::BIGNUM",
        "'03:04:05+02'::TIMETZ",
        "union_value(k := 1)",
        "'x'::VARIANT",
        "['101'::BIT]",
        "{'a': [1::UHUGEINT]}",
    ],
)
def test_a_type_that_arrow_cannot_hold_is_refused(sql: Sql, expression: str) -> None:
    with pytest.raises(ConfigError, match="cannot leave DuckDB exactly") as caught:
        sql(f"SELECT {expression} AS v FROM df", {"df": stream_of(NUMBERS)})
    assert "VARCHAR" in str(caught.value.hint)


@pytest.mark.parametrize("names", ["id AS x, k AS x", "id AS x, k AS X", "id, df.*"])
def test_columns_of_the_same_name_are_refused(sql: Sql, names: str) -> None:
    with pytest.raises(ConfigError, match="several columns named"):
        sql(f"SELECT {names} FROM df", {"df": stream_of(NUMBERS)})


# --- inputs of awkward types ---


@pytest.mark.parametrize(
    "column, value",
    [
        (pa.array([Decimal("1.5"), None], pa.decimal256(65, 30)), Decimal("1.5")),
        (pa.array([Decimal(1200), None], pa.decimal128(10, -2)), Decimal(1200)),
        (pa.array([1.5, None], pa.float16()), 1.5),
        (pa.array([1, None], pa.uint64()), 1),
        (pa.array(["x", None]).dictionary_encode(), "x"),
        (pa.array(["x", None]).cast(pa.string_view()), "x"),
        (pa.array(["x", None], pa.large_string()), "x"),
        (pa.array([b"\xff", None]), b"\xff"),
        (pa.array([dt.time(1, 2, 3, 4), None]), dt.time(1, 2, 3, 4)),
        (pa.array([-1, None], pa.duration("us")), (0, 0, -1000)),
        (pa.array([-1, None], pa.duration("s")), (0, 0, -1_000_000_000)),
        (pa.array([[1], None]), [1]),
        (pa.array([{"a": 1}, None]), {"a": 1}),
        (pa.nulls(2), None),
    ],
)
def test_inputs_arrive_exactly(sql: Sql, column: pa.Array, value: Any) -> None:
    table = sql("SELECT v FROM df", {"df": stream_of(pa.table({"v": column}))})
    assert table.column("v").to_pylist() == [value, None]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([Decimal("1e40")], pa.decimal256(65, 0)),
        pa.array([1], pa.duration("ns")),
        pa.array([2**62], pa.duration("s")),
        pa.array([1], pa.timestamp("ns", "UTC")),
    ],
)
def test_an_input_that_duckdb_cannot_hold_is_an_error(sql: Sql, column: pa.Array) -> None:
    with pytest.raises(DataError, match="column 'v': a value of type"):
        sql("SELECT v FROM df", {"df": stream_of(pa.table({"v": column}))})

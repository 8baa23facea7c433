"""The driver of duckdb.writer: modes, types there and back, the contract, faults, a killed run."""

import uuid
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import (
    ConfigError,
    DataError,
)
from osiris.core.events import DataWarning, SchemaEvolved
from osiris.core.stream import TableStream
from tests.contracts.driver_contract import DriverContract
from tests.support.driver_run import stream_of
from tests.support.duckdb_file import DuckDBWriting, breaking

WRITER = DriverRegistry().component("duckdb.writer")
EXTRACTOR = DriverRegistry().component("duckdb.extractor")
OLD = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR)",
    "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
)
NEW = pa.table({"id": pa.array([2, 3], pa.int32()), "name": ["B", "c"]})
UPSERT: dict[str, Any] = {"write_mode": "upsert", "primary_key": ["id"]}


class TestContract(DriverContract):
    component = "duckdb.writer"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {
            "path": "t.duckdb",
            "table": "t",
            "write_mode": "replace",
            "create_if_missing": True,
        }


@pytest.fixture
def writing(tmp_path: Path) -> DuckDBWriting:
    return DuckDBWriting(tmp_path)


# --- modes ---


def test_append_adds_or_leaves_the_table(writing: DuckDBWriting) -> None:
    writing.sql(*OLD)
    more = pa.table({"ID": pa.array([3, 4], pa.int32()), "name": [None, ""]})
    assert writing.write(more) == 2
    assert writing.rows == [(1, "a"), (2, "b"), (3, None), (4, "")]
    twice = pa.table({"id": pa.array([*range(10, 5000), 4], pa.int32()), "name": ["x"] * 4991})
    with pytest.raises(DataError, match=r"Duplicate key .id: 4."):
        writing.write(twice)
    assert len(writing.rows) == 4


def test_replace_keeps_what_hangs_on_the_table(writing: DuckDBWriting) -> None:
    writing.sql(*OLD, "CREATE VIEW v AS SELECT name FROM t", "CREATE INDEX byname ON t (name)")
    assert writing.write(NEW, write_mode="replace") == 2
    assert writing.rows == [(2, "B"), (3, "c")]
    assert writing.sql("FROM v ORDER BY 1") == [("B",), ("c",)]
    assert writing.sql("SELECT count(*) FROM duckdb_indexes()") == [(1,)]
    assert writing.write(NEW.slice(0, 0), write_mode="replace") == 0
    assert writing.rows == []


def test_upsert_takes_the_place_of_rows_with_the_same_key(writing: DuckDBWriting) -> None:
    writing.sql(*OLD)
    for _ in range(2):
        assert writing.write(NEW, **UPSERT) == 2
        assert writing.rows == [(1, "a"), (2, "B"), (3, "c")]
    assert writing.write(NEW.select(["id"]), **UPSERT, on_missing_column="ignore") == 2
    assert writing.rows == [(1, "a"), (2, "B"), (3, "c")]


def test_upsert_refuses_what_has_no_single_answer(writing: DuckDBWriting) -> None:
    writing.sql(*OLD)
    twice = pa.table({"id": pa.array([5, 6, 5], pa.int32()), "name": ["x", "y", "z"]})
    with pytest.raises(DataError, match=r"2 rows of the input have the same key \(id = '5'\)"):
        writing.write(stream_of(twice, rows=1), **UPSERT)
    none = pa.table({"id": pa.array([7, None], pa.int32()), "name": ["x", "y"]})
    with pytest.raises(DataError, match="row 2 has NULL in 'id'"):
        writing.write(stream_of(none, rows=1), **UPSERT)
    with pytest.raises(ConfigError, match=r"no primary key or unique constraint on \(name\)"):
        writing.write(NEW, write_mode="upsert", primary_key=["name"])
    assert writing.rows == [(1, "a"), (2, "b")]


def test_file_and_table_are_made(writing: DuckDBWriting) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        writing.write(NEW)
    assert writing.write(NEW, create_if_missing=True, primary_key=["id"]) == 2
    assert writing.write(NEW, **UPSERT) == 2
    assert writing.rows == [(2, "B"), (3, "c")]
    with pytest.raises(ConfigError, match=r"there is no table main\.other"):
        writing.write(NEW, table="other")
    with pytest.raises(ConfigError, match="Schema with name s does not exist"):
        writing.write(NEW, schema="s", create_if_missing=True)
    changes = [e.change for e in writing.step.events if isinstance(e, SchemaEvolved)]
    assert changes == ["table_created"]


def test_a_view_is_no_target(writing: DuckDBWriting) -> None:
    writing.sql("CREATE VIEW t AS SELECT 1 AS id, 'a' AS name")
    with pytest.raises(ConfigError, match=r"main\.t is a view"):
        writing.write(NEW)


# --- types ---

TYPES: dict[str, tuple[pa.Array, str]] = {
    "bool": (pa.array([True, None]), "BOOLEAN"),
    "int8": (pa.array([-128, 127], pa.int8()), "TINYINT"),
    "int64": (pa.array([-(2**63), 2**63 - 1]), "BIGINT"),
    "uint64": (pa.array([2**64 - 1, None], pa.uint64()), "UBIGINT"),
    "float": (pa.array([1.5, float("inf")], pa.float32()), "FLOAT"),
    "double": (pa.array([1e308, float("nan")]), "DOUBLE"),
    "decimal": (pa.array([Decimal("9" * 36 + ".99")], pa.decimal128(38, 2)), "DECIMAL(38,2)"),
    "text": (pa.array(["", "žluť\0🐎", None, "x" * 1_000_000]), "VARCHAR"),
    "large text": (pa.array(["a", None], pa.large_string()), "VARCHAR"),
    "dictionary": (pa.array(["a", None, "a"]).dictionary_encode(), "VARCHAR"),
    "binary": (pa.array([b"\0\xff", b""]), "BLOB"),
    "date": (pa.array([date(1, 1, 1), date(9999, 12, 31)]), "DATE"),
    "time": (pa.array([time(23, 59, 59, 999_999)]), "TIME"),
    "time ns": (pa.array([86_399_999_999_999], pa.time64("ns")), "TIME_NS"),
    "timestamp": (pa.array([datetime(2024, 1, 1, 1, 1, 1, 1)]), "TIMESTAMP"),  # noqa: DTZ001 - the type has no zone
    "timestamp s": (pa.array([-1, None], pa.timestamp("s")), "TIMESTAMP_S"),
    "timestamp ns": (pa.array([1_234_567_891], pa.timestamp("ns")), "TIMESTAMP_NS"),
    "zoned": (pa.array([1, None], pa.timestamp("us", "UTC")), "TIMESTAMP WITH TIME ZONE"),
    "interval": (pa.array([(1, 2, 3000), None], pa.month_day_nano_interval()), "INTERVAL"),
    "uuid": (pa.array([uuid.uuid4().bytes, None], pa.uuid()), "UUID"),
    "json": (pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', None])), "JSON"),
    "list": (pa.array([["a", None], None, []]), "VARCHAR[]"),
    "list of lists": (pa.array([[[1], []], None]), "BIGINT[][]"),
    "struct": (pa.array([{"a": 1, "b c": "x"}, None]), 'STRUCT(a BIGINT, "b c" VARCHAR)'),
    "map": (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), "MAP(VARCHAR, BIGINT)"),
    "null": (pa.nulls(2), "VARCHAR"),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_is_created_and_read_back(writing: DuckDBWriting, name: str) -> None:
    array, declared = TYPES[name]
    table = pa.table({"select": array})
    assert writing.write(table, create_if_missing=True) == len(array)
    assert writing.sql("SELECT data_type FROM duckdb_columns() WHERE table_name = 't'") == [
        (declared,)
    ]
    assert writing.write(table) == len(array)
    back = writing.step.run(EXTRACTOR, {}, path="t.duckdb", table="t")["df"].read_all()
    found = back["select"]
    if name.endswith(" ns"):
        array, found = array.cast(pa.int64()), found.cast(pa.int64())
    expected = array.to_pylist() * 2
    if name in {"uuid", "json"}:
        expected = [None if value is None else str(value) for value in expected]
    assert repr(found.to_pylist()) == repr(expected)


def test_a_type_that_duckdb_has_not(writing: DuckDBWriting) -> None:
    table = pa.table({"d": pa.array([Decimal(1)], pa.decimal256(50, 2))})
    with pytest.raises(DataError, match=r"DuckDB has no type for Arrow's decimal256\(50, 2\)"):
        writing.write(table, create_if_missing=True)
    assert not writing.path.exists()


CHECKED: dict[str, tuple[str, pa.Array, str]] = {
    "range": ("TINYINT", pa.array([1, 300]), "TINYINT and cannot hold 300 of row 2"),
    "digits": ("DECIMAL(4,1)", pa.array([Decimal("1.25")]), r"DECIMAL\(4,1\) and cannot hold 1.25"),
    "uuid": ("UUID", pa.array(["x"]), "UUID and cannot hold 'x'"),
    "fraction": ("TIMESTAMP_S", pa.array([1], pa.timestamp("us")), "TIMESTAMP_S and cannot hold"),
    "infinity": ("DATE", pa.array([2**31 - 1], pa.int32()).view(pa.date32()), "DATE and cannot"),
    "meaning": ("DATE", pa.array([1]), "DATE, which cannot hold the input's int64"),
    "struct": ("STRUCT(a INT)", pa.array([{"b": 1}]), r"STRUCT.*, which cannot hold"),
    "enum": ("mood", pa.array(["sad"]), "Could not convert string 'sad' to ENUM"),
    "check": ("INT CHECK (c > 5)", pa.array([1], pa.int32()), "CHECK constraint failed"),
    "null": ("INT NOT NULL", pa.array([None], pa.int32()), "NOT NULL constraint failed"),
}


@pytest.mark.parametrize("name", CHECKED)
def test_a_value_that_does_not_fit(writing: DuckDBWriting, name: str) -> None:
    declared, array, told = CHECKED[name]
    writing.sql("CREATE TYPE mood AS ENUM ('ok')", f"CREATE TABLE t (c {declared})")
    with pytest.raises(DataError, match=told):
        writing.write(pa.table({"c": array}))
    assert writing.rows == []


def test_an_enum_takes_its_labels(writing: DuckDBWriting) -> None:
    writing.sql("CREATE TYPE mood AS ENUM ('ok', 'bad')", "CREATE TABLE t (c mood)")
    assert writing.write(pa.table({"c": ["bad", None]})) == 2
    assert writing.sql("SELECT c FROM t ORDER BY c") == [("bad",), (None,)]


# --- the contract ---


def test_the_contract_is_error_unless_told(writing: DuckDBWriting) -> None:
    writing.sql(*OLD)
    wider = NEW.append_column("n", pa.array([2**40, 7]))
    with pytest.raises(DataError, match=r"main\.t has no column 'n'"):
        writing.write(wider)
    with pytest.raises(DataError, match="the input has no column 'name'"):
        writing.write(NEW.select(["id"]))
    assert writing.write(wider.slice(1), on_new_column="ignore") == 1
    (warning,) = [e for e in writing.step.events if isinstance(e, DataWarning)]
    assert warning.code == "table.column_not_written"


def test_the_table_evolves_with_the_rows_or_not_at_all(writing: DuckDBWriting) -> None:
    writing.sql("CREATE TABLE t (id INT, s VARCHAR NOT NULL)", "INSERT INTO t VALUES (1, 'a')")
    table = pa.table({"id": [2**40, 5], "n": ["x", None]})
    evolve = {"on_new_column": "evolve", "on_missing_column": "evolve", "on_type_change": "evolve"}
    broken = TableStream(table.schema, breaking(table, DataError("the source broke")))
    with pytest.raises(DataError, match="the source broke"):
        writing.write(broken, **evolve)
    assert writing.rows == [(1, "a")]
    assert writing.step.events == []
    assert writing.write(table, **evolve) == 2
    assert writing.rows == [(1, "a", None), (5, None, None), (2**40, None, "x")]
    changes = {e.change for e in writing.step.events if isinstance(e, SchemaEvolved)}
    assert changes == {"column_added", "type_widened", "not_null_dropped"}


def test_generated_and_filled_columns(writing: DuckDBWriting) -> None:
    writing.sql("CREATE TABLE t (id INT, n INT DEFAULT 7, g INT GENERATED ALWAYS AS (id * 2))")
    assert writing.write(NEW.select(["id"])) == 2
    assert writing.rows == [(2, 7, 4), (3, 7, 6)]
    with pytest.raises(DataError, match=r"'g' of main\.t is computed by the database"):
        writing.write(pa.table({"id": [1], "g": [2]}))


def test_odd_names(writing: DuckDBWriting) -> None:
    table = pa.table({'select "x"': [1], "É'": ["a"]})
    options = {"table": 'or"der', "create_if_missing": True, "primary_key": ['select "x"']}
    assert writing.write(table, **options) == 1
    assert writing.write(table, **{**options, "write_mode": "upsert"}) == 1
    assert writing.sql('FROM "or""der"') == [(1, "a")]
    with pytest.raises(DataError, match="'a' and 'A' are the same column"):
        writing.write(pa.table({"a": [1], "A": [2]}), table="n", create_if_missing=True)

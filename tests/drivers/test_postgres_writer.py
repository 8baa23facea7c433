"""The driver of postgres.writer: the contract, and what is read back of what it wrote."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.components import postgres_extractor
from osiris.components.postgres_connection import PostgresConnection
from osiris.components.postgres_writer import COMPONENT
from osiris.core.csv_text import as_text
from osiris.core.errors import AuthenticationError, UnknownDatabaseError
from osiris.drivers.postgres_writer import PostgresWriterDriver
from tests.contracts.driver_contract import DriverContract
from tests.support.driver_run import DriverRun, stream_of
from tests.support.postgres import PostgresDatabase
from tests.support.postgres_values import created_table


class TestContract(DriverContract):
    component = "postgres.writer"

    @pytest.fixture
    def options(self, pg: PostgresDatabase) -> dict[str, Any]:
        return {"connection": pg.connection(), "table": "t", "create_if_missing": True}


class TestReplaceContract(DriverContract):
    component = "postgres.writer"

    @pytest.fixture
    def options(self, pg: PostgresDatabase) -> dict[str, Any]:
        pg.execute("CREATE TABLE t (id bigint, text text)")
        return {"connection": pg.connection(), "table": "t", "write_mode": "replace"}


# What is read back of another type than it was written: the page on types has the same list.
READ_BACK = {
    "int8": pa.int16(),
    "uint8": pa.int16(),
    "uint16": pa.int32(),
    "uint32": pa.int64(),
    "uint64": pa.decimal128(20, 0),
    "float16": pa.float32(),
    "decimal32": pa.decimal128(9, 3),
    "large_string": pa.string(),
    "string_view": pa.string(),
    "dictionary": pa.string(),
    "null": pa.string(),
    "fixed binary": pa.binary(),
    "date64": pa.date32(),
    "time32": pa.time64("us"),
    "timestamp[s]": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
    "timestamptz[ms]": pa.timestamp("us", "UTC"),
    "duration": pa.month_day_nano_interval(),
    "uuid": pa.string(),
    "json": pa.string(),
    "list of texts": pa.list_(pa.string()),
    "list of lists": pa.string(),
    "struct": pa.string(),
    "map": pa.string(),
}


def _read(pg: PostgresDatabase, root: Path, table: str) -> pa.Table:
    options = {"connection": pg.connection(), "table": table}
    return DriverRun(root).run(postgres_extractor.COMPONENT, {}, **options)["df"].read_all()


def _write(pg: PostgresDatabase, root: Path, data: pa.Table, table: str) -> None:
    options = {"connection": pg.connection(), "table": table, "create_if_missing": True}
    DriverRun(root).run(COMPONENT, {"df": stream_of(data)}, **options)


def _texts(column: pa.ChunkedArray, kind: pa.DataType) -> list[str | None]:
    array = column.combine_chunks()
    if pa.types.is_interval(kind) and pa.types.is_duration(array.type):
        parts = [None if v is None else (0, 0, v * 1000) for v in array.cast("int64").to_pylist()]
        array = pa.array(parts, kind)
    elif pa.types.is_timestamp(kind) or pa.types.is_floating(kind) or pa.types.is_time(kind):
        array = array.cast(kind)
    texts: list[str | None] = as_text(array).cast(pa.string()).to_pylist()
    return texts


def test_what_is_written_is_read_back_the_same(pg: PostgresDatabase, tmp_path: Path) -> None:
    given = created_table()
    _write(pg, tmp_path, given, "t")
    back = _read(pg, tmp_path, "t")
    for name in given.column_names:
        kind = back[name].type
        assert kind == READ_BACK.get(name, given[name].type), name
        assert _texts(given[name], kind) == _texts(back[name], kind), name
    _write(pg, tmp_path, back, "again")  # what was read is written
    assert _read(pg, tmp_path, "again").equals(back) or _same_text(back, pg, tmp_path)


def _same_text(back: pa.Table, pg: PostgresDatabase, root: Path) -> bool:
    """Tell whether only NaN, which is not equal to itself, stands between the tables."""
    again = _read(pg, root, "again")
    return bool(again.schema == back.schema and str(again.to_pylist()) == str(back.to_pylist()))


def test_the_connection_can_be_tried(pg: PostgresDatabase, tmp_path: Path) -> None:
    def check(**changes: Any) -> None:
        given = PostgresConnection.model_validate({**pg.connection(), **changes})
        PostgresWriterDriver().check_connection(given, tmp_path)

    check()
    with pytest.raises(AuthenticationError):
        check(password="wrong")
    with pytest.raises(UnknownDatabaseError):
        check(database="nowhere")

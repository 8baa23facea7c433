"""MySQL to PostgreSQL: every type of the one in a table that is made of it in the other."""

from pathlib import Path

import pyarrow as pa
import pytest

from osiris.components.postgres_writer import COMPONENT
from osiris.core.csv_text import as_text
from tests.conftest import Database
from tests.drivers.mysql.test_types import CASES
from tests.support.mysql_reading import read, settings
from tests.support.postgres import PostgresDatabase
from tests.support.postgres_reading import read as read_postgres
from tests.support.postgres_reading import settings as postgres_settings
from tests.support.table_writing import TableWriting

KINDS = [case for case in CASES if case.tinyint1 == "int8"]


def _texts(column: pa.ChunkedArray, kind: pa.DataType) -> list[str | None]:
    """How a column's values are written, as values of the type that PostgreSQL has for them."""
    array = column.combine_chunks()
    if pa.types.is_interval(kind) and pa.types.is_duration(array.type):
        micro = array.cast(pa.duration("us")).cast(pa.int64()).to_pylist()
        array = pa.array([None if n is None else (0, 0, n * 1000) for n in micro], kind)
    elif not pa.types.is_null(array.type) and not pa.types.is_interval(kind):
        array = array.cast(kind)
    texts: list[str | None] = as_text(array).cast(pa.string()).to_pylist()
    return texts


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_every_type(mode: str, database: Database, pg: PostgresDatabase, tmp_path: Path) -> None:
    declared = ", ".join(f"c{n} {case.sql} NULL" for n, case in enumerate(KINDS))
    database.execute(f"CREATE TABLE t (i INT, {declared}) CHARSET utf8mb4")
    for row in range(max(len(case.literals) for case in KINDS) + 1):
        given = [case.literals[row] if row < len(case.literals) else "NULL" for case in KINDS]
        database.execute(f"INSERT INTO t VALUES ({row}, {', '.join(given)})")
    table = read(settings(database), "SELECT * FROM t ORDER BY i")
    writing = TableWriting(pg, COMPONENT, tmp_path)
    nul = [n for n in table.column_names if _holds_nul(table[n])]
    table = table.drop_columns(nul)  # which PostgreSQL cannot store: an error, tested elsewhere
    for _ in range(2 if mode == "replace" else 1):
        writing.write(table, table="t", write_mode=mode, create_if_missing=True)
    back = read_postgres(postgres_settings(pg), "SELECT * FROM t ORDER BY i")
    assert back.num_rows == table.num_rows
    for name in table.column_names:
        kind = back[name].type
        # The year 0 is 1 BC, which PostgreSQL has but its reader takes for NULL.
        texts = [None if _is_year_zero(text) else text for text in _texts(table[name], kind)]
        assert texts == _texts(back[name], kind), (name, table[name].type)


def _is_year_zero(text: str | None) -> bool:
    return text is not None and text.startswith("0000-")


def _holds_nul(column: pa.ChunkedArray) -> bool:
    return pa.types.is_string(column.type) and any("\0" in (v or "") for v in column.to_pylist())

"""Which tables a DuckDB file holds: https://duckdb.org/docs/stable/sql/meta/duckdb_table_functions."""

from contextlib import closing
from dataclasses import replace
from typing import Any, Final

import duckdb
import pyarrow as pa

from osiris.core.discovery import ColumnInfo, Found, KeyInfo, KeyKind, TableInfo, Wanted, ordered
from osiris.core.errors import StepError
from osiris.core.first_rows import first_rows
from osiris.core.scan_sql import identifier
from osiris.core.source_files import find_file
from osiris.drivers.duckdb.connection import reader
from osiris.drivers.duckdb.database_file import open_reading
from osiris.drivers.duckdb.failure import sql_failure
from osiris.drivers.duckdb.schema import check_result, exact_batches, exact_schema

_SCHEMAS: Final = """\
SELECT schema_name FROM duckdb_schemas()
WHERE database_name = current_database() AND NOT internal OR schema_name = 'main'
GROUP BY ALL ORDER BY schema_name"""
_TABLES: Final = """\
SELECT schema_name, table_name, 'table', estimated_size, comment FROM duckdb_tables()
WHERE database_name = current_database() AND NOT internal
UNION ALL SELECT schema_name, view_name, 'view', NULL, comment FROM duckdb_views()
WHERE database_name = current_database() AND NOT internal ORDER BY 1, 2"""
_COLUMNS: Final = """\
SELECT column_name, data_type, is_nullable, comment FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = ? AND table_name = ?
ORDER BY column_index"""
_KEYS: Final = """\
SELECT constraint_type, constraint_name, constraint_column_names, referenced_table,
referenced_column_names FROM duckdb_constraints()
WHERE database_name = current_database() AND schema_name = ? AND table_name = ?"""
_KINDS: Final[dict[str, KeyKind]] = {
    "PRIMARY KEY": "primary",
    "UNIQUE": "unique",
    "FOREIGN KEY": "foreign",
}
_MEMORY: Final = "256MB"
_FOREIGN: Final = (duckdb.Error, pa.ArrowException, OSError, RuntimeError)


def takes(path: str) -> bool:
    """Tell by the name whether a path names a DuckDB file."""
    return path.lower().endswith((".duckdb", ".ddb"))


def discover(path: str, wanted: Wanted) -> Found:
    """Return the tables wanted of the file."""
    file = find_file(path, wanted.base_dir)
    opened = open_reading(file, spill_dir=wanted.spill_dir, memory_limit=_MEMORY)
    with closing(opened) as connection:
        forget = wanted.cancelled.on_cancel(connection.interrupt)
        try:
            return _found(connection, path, wanted)
        except duckdb.Error as error:
            wanted.cancelled.raise_if_set()
            raise sql_failure(error, running=False) from error
        finally:
            forget()


def _found(connection: Any, path: str, wanted: Wanted) -> Found:
    schemas = [name for (name,) in connection.execute(_SCHEMAS).fetchall()]
    every = [
        TableInfo(*row)
        for row in connection.execute(_TABLES).fetchall()
        if wanted.schema in {None, row[0]}
    ]
    tables = [
        _described(connection, table, path, wanted) for table in every if wanted.wants(table.name)
    ]
    return Found(tuple(tables), tuple(schemas), tuple(table.name for table in every))


def _described(connection: Any, table: TableInfo, path: str, wanted: Wanted) -> TableInfo:
    """Return the table with columns, keys and samples, and with what could not be had."""
    place = [table.schema, table.name]
    columns = [
        ColumnInfo(name, kind, None, nullable, comment)
        for name, kind, nullable, comment in connection.execute(_COLUMNS, place).fetchall()
    ]
    rows = connection.execute(_KEYS, place).fetchall()
    keys = ordered(_key(table, *row) for row in rows if row[0] in _KINDS)
    table = replace(table, columns=tuple(columns), keys=keys)
    try:
        return _with_types(connection, table, path, wanted.samples)
    except StepError as error:
        return table.but(error.message)
    except _FOREIGN as error:
        wanted.cancelled.raise_if_set()
        return table.but(str(error).partition("\n")[0])


def _with_types(connection: Any, table: TableInfo, path: str, samples: int) -> TableInfo:
    """Return the table with the types that the extractor tells, and rows as it reads them."""
    names = [column.name for column in table.columns]
    columns = ", ".join(map(identifier, names))
    query = f"SELECT {columns} FROM {identifier(table.schema or '')}.{identifier(table.name)}"
    relation = connection.sql(query)
    check_result(relation.columns, relation.types)
    schema = exact_schema(relation.limit(0).to_arrow_reader().schema)
    typed = [
        replace(column, arrow_type=str(kind))
        for column, kind in zip(table.columns, schema.types, strict=True)
    ]
    place = (
        {"table": table.name}
        if table.schema == "main"
        else {"schema": table.schema, "table": table.name}
    )
    table = replace(table, columns=tuple(typed), read={"path": path, **place, "columns": names})
    if not samples:
        return table
    batches = exact_batches(reader(connection, f"{query} LIMIT {samples:d}"))
    rows = pa.RecordBatchReader.from_batches(schema, batches)
    return replace(table, samples=first_rows(rows, samples))


def _key(
    table: TableInfo, kind: str, name: str, columns: list[str], other: str | None, there: list[str]
) -> KeyInfo:
    if kind != "FOREIGN KEY":
        return KeyInfo(_KINDS[kind], name, tuple(columns))
    return KeyInfo("foreign", name, tuple(columns), f"{table.schema}.{other}", tuple(there))

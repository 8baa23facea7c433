"""Which tables a SQLite file holds: https://www.sqlite.org/pragma.html."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

import pyarrow as pa

from osiris.core.discovery import ColumnInfo, Found, KeyInfo, TableInfo, Wanted, ordered
from osiris.core.errors import StepError
from osiris.core.first_rows import first_rows
from osiris.core.scan_sql import identifier
from osiris.core.source_files import SourceFile, find_file
from osiris.drivers.sqlite.connection import open_database
from osiris.drivers.sqlite.failure import failure
from osiris.drivers.sqlite.reader import SqliteReader
from osiris.drivers.sqlite.statement import table_query

_TABLES: Final = """\
SELECT name, type FROM sqlite_master
WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"""
_STATISTICS: Final = "SELECT tbl, stat FROM sqlite_stat1"
_BUSY_SECONDS: Final = 5.0
_HIDDEN: Final = 1  # a column of a virtual table that SELECT * does not show


def takes(path: str) -> bool:
    """Tell by the name whether a path names a SQLite file."""
    return path.lower().endswith((".sqlite", ".sqlite3", ".db", ".db3"))


def discover(path: str, wanted: Wanted) -> Found:
    """Return the tables wanted of the file."""
    file = find_file(path, wanted.base_dir)
    with closing(_opened(file, wanted)) as connection:
        try:
            estimates = _estimates(connection)
            every = [
                TableInfo(None, name, kind, estimates.get(name))
                for name, kind in connection.execute(_TABLES)
            ]
            tables = [
                _described(connection, table, file, path, wanted)
                for table in every
                if wanted.wants(table.name)
            ]
        except sqlite3.Error as error:
            wanted.cancelled.raise_if_set()
            raise failure(error, file.name) from error
    return Found(tuple(tables), names=tuple(table.name for table in every))


def _opened(file: SourceFile, wanted: Wanted) -> sqlite3.Connection:
    return open_database(
        file,
        spill_dir=wanted.spill_dir,
        busy_timeout=min(_BUSY_SECONDS, wanted.seconds),
        cancelled=wanted.cancelled,
    )


def _estimates(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the numbers of rows that ANALYZE left, if it was ever run."""
    try:
        rows = connection.execute(_STATISTICS).fetchall()
    except sqlite3.OperationalError:  # it was not
        return {}
    counts = ((name, str(stat).partition(" ")[0]) for name, stat in rows)
    return {name: int(count) for name, count in counts if count.isdecimal()}


def _described(
    connection: sqlite3.Connection, table: TableInfo, file: SourceFile, path: str, wanted: Wanted
) -> TableInfo:
    """Return the table with columns, keys and samples, and with what could not be had."""
    try:
        found = [c for c in _pragma(connection, "table_xinfo", table.name) if c[6] != _HIDDEN]
        columns = tuple(
            ColumnInfo(name, kind, None, not required) for _, name, kind, required, *_ in found
        )
        table = replace(table, columns=columns, keys=ordered(_keys(connection, table.name, found)))
        return _with_types(table, file, path, wanted)
    except sqlite3.Error as error:
        wanted.cancelled.raise_if_set()
        return table.but(str(error))
    except StepError as error:
        wanted.cancelled.raise_if_set()
        return table.but(error.message)


def _with_types(table: TableInfo, file: SourceFile, path: str, wanted: Wanted) -> TableInfo:
    """Return the table with the types that the extractor tells, and rows as it reads them."""
    names = [column.name for column in table.columns]
    table = replace(table, read={"path": path, "table": table.name, "columns": names})
    with closing(_opened(file, wanted)) as connection:  # reading closes it
        query = table_query(connection, table.name, names)
        reader = SqliteReader(connection, file.name, query, {}, wanted.cancelled)
        typed = [
            replace(column, arrow_type=str(kind))
            for column, kind in zip(table.columns, reader.schema.types, strict=True)
        ]
        table = replace(table, columns=tuple(typed))
        if not wanted.samples:
            return table
        rows = pa.RecordBatchReader.from_batches(reader.schema, reader.batches())
        return replace(table, samples=first_rows(rows, wanted.samples))


def _pragma(connection: sqlite3.Connection, pragma: str, name: str) -> list[Any]:
    return connection.execute(f"PRAGMA {pragma}({identifier(name)})").fetchall()


def _keys(connection: sqlite3.Connection, table: str, columns: list[Any]) -> Iterator[KeyInfo]:
    primary = sorted((place, name) for _, name, _, _, _, place, _ in columns if place)
    if primary:
        yield KeyInfo("primary", "primary", tuple(name for _, name in primary))
    for _, index, unique, origin, partial in _pragma(connection, "index_list", table):
        named = [name for _, _, name in _pragma(connection, "index_info", index)]
        if unique and origin != "pk" and not partial and all(named):
            yield KeyInfo("unique", index, tuple(named))
    pairs: dict[tuple[int, str], list[tuple[str, str | None]]] = defaultdict(list)
    for number, _, other, here, there, *_ in _pragma(connection, "foreign_key_list", table):
        pairs[number, other].append((here, there))
    for (number, other), together in pairs.items():
        here, there = zip(*together, strict=True)
        known = tuple(name for name in there if name is not None)  # else its primary key
        yield KeyInfo("foreign", f"foreign_{number}", here, other, known)

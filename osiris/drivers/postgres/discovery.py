"""Which tables a PostgreSQL server shows to a user, from its catalog.

https://www.postgresql.org/docs/current/catalogs.html. Not from information_schema, which hides keys
from those who may only read.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.discovery import ColumnInfo, Found, KeyInfo, KeyKind, TableInfo, Wanted, ordered
from osiris.core.errors import StepError
from osiris.drivers.postgres.identifiers import quoted, quoted_list
from osiris.drivers.postgres.lookup import Lookup
from osiris.drivers.postgres.wire.session import Row, literal

_KINDS: Final = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
_SYSTEM: Final = ("information_schema", "pg_catalog")

_SCHEMAS: Final = """\
SELECT nspname FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_(toast|temp)' AND pg_catalog.has_schema_privilege(oid, 'USAGE')
ORDER BY nspname COLLATE "C" """
# The partitions of a table are read through it, and so are not listed.
_TABLES: Final = """\
SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples::bigint,
    pg_catalog.obj_description(c.oid, 'pg_class')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ({schemas}) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C" """
_COLUMNS: Final = """\
SELECT a.attrelid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
    pg_catalog.col_description(a.attrelid, a.attnum),
    pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
FROM pg_catalog.pg_attribute a
WHERE a.attrelid IN ({oids}) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum"""
_UNIQUE: Final = """\
SELECT i.indrelid, c.relname, i.indisprimary, (
    SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)
    FROM pg_catalog.unnest(i.indkey::int2[]) WITH ORDINALITY AS k (number, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    WHERE k.place <= i.indnkeyatts)
FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid IN ({oids}) AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL"""
_FOREIGN: Final = """\
SELECT c.conrelid, c.conname, n.nspname, t.relname, (
    SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)
    FROM pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number), (
    SELECT pg_catalog.json_agg(a.attname ORDER BY k.place)
    FROM pg_catalog.unnest(c.confkey) WITH ORDINALITY AS k (number, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.number)
FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class t ON t.oid = c.confrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE c.conrelid IN ({oids}) AND c.contype = 'f' AND c.conparentid = 0"""


@dataclass(frozen=True)
class _Details:
    """The columns and keys of all tables wanted, by the number of their table."""

    columns: dict[str, list[Row]]
    unique: dict[str, list[Row]]
    foreign: dict[str, list[Row]]


def discover(connection: PostgresConnection, wanted: Wanted) -> Found:
    """Return the tables wanted, of one schema or of all that are not the system's."""
    with Lookup(
        connection,
        base_dir=wanted.base_dir,
        seconds=wanted.seconds,
        cancelled=wanted.cancelled,
    ) as lookup:
        schemas = [row[0] or "" for row in lookup.rows(_SCHEMAS)]
        chosen = [s for s in schemas if s not in _SYSTEM and wanted.schema in {None, s}]
        chosen = chosen or [s for s in schemas if s == wanted.schema]
        every = _tables(lookup, chosen)
        asked = {oid: table for oid, table in every.items() if wanted.wants(table.name)}
        details = _details(lookup, asked)
        tables = [_described(lookup, asked[oid], oid, details, wanted) for oid in asked]
    return Found(tuple(tables), tuple(schemas), tuple(table.name for table in every.values()))


def _tables(lookup: Lookup, schemas: Sequence[str]) -> dict[str, TableInfo]:
    """Return the tables of the schemas by their numbers."""
    if not schemas:
        return {}
    found = {}
    for oid, schema, name, kind, rows, comment in lookup.rows(
        _TABLES.format(schemas=", ".join(map(literal, schemas)))
    ):
        told = kind in {"r", "m", "f"} and rows is not None and int(rows) >= 0
        estimate = int(rows) if told and rows else None
        found[oid or ""] = TableInfo(schema, name or "", _KINDS[kind or ""], estimate, comment)
    return found


def _details(lookup: Lookup, oids: Iterable[str]) -> _Details:
    listed = ", ".join(oids)
    if not listed:
        return _Details({}, {}, {})
    return _Details(
        *(_by_table(lookup.rows(sql.format(oids=listed))) for sql in (_COLUMNS, _UNIQUE, _FOREIGN))
    )


def _by_table(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for oid, *rest in rows:
        found[oid or ""].append(rest)
    return found


def _described(
    lookup: Lookup, table: TableInfo, oid: str, details: _Details, wanted: Wanted
) -> TableInfo:
    """Return the table with columns, keys and samples, and with what could not be had."""
    columns = details.columns.get(oid, [])
    keys = [*_unique(details.unique.get(oid, [])), *_foreign(details.foreign.get(oid, []))]
    table = replace(
        table,
        columns=tuple(
            ColumnInfo(name or "", kind or "", None, required != "t", comment)
            for name, kind, required, comment, readable in columns
            if readable == "t"
        ),
        keys=ordered(keys),
    )
    if columns and not table.columns:
        return table.but("the user may not read this table; grant the user SELECT on it")
    if not columns:
        return table.but("it has no columns")
    try:
        with lookup.attempt():
            table = _with_types(lookup, table)
        with lookup.attempt():
            return _with_samples(lookup, table, wanted.samples)
    except StepError as error:
        wanted.cancelled.raise_if_set()
        return table.but(error.message)


def _with_types(lookup: Lookup, table: TableInfo) -> TableInfo:
    columns = lookup.columns(_select(table))
    typed = [
        replace(column, arrow_type=str(read.type))
        for column, read in zip(table.columns, columns, strict=True)
    ]
    names = [column.name for column in typed]
    read = {"schema": table.schema, "table": table.name, "columns": names}
    return replace(table, columns=tuple(typed), read=read)


def _with_samples(lookup: Lookup, table: TableInfo, samples: int) -> TableInfo:
    if not samples:
        return table
    query = f"{_select(table)} LIMIT {samples:d}"
    return replace(table, samples=lookup.table(query, lookup.columns(query)))


def _select(table: TableInfo) -> str:
    names = quoted_list(column.name for column in table.columns)
    return f"SELECT {names} FROM {quoted(table.schema or '')}.{quoted(table.name)}"


def _unique(rows: Iterable[Row]) -> Iterator[KeyInfo]:
    for name, primary, columns in rows:
        kind: KeyKind = "primary" if primary == "t" else "unique"
        yield KeyInfo(kind, name or "", tuple(json.loads(columns or "[]")))


def _foreign(rows: Iterable[Row]) -> Iterator[KeyInfo]:
    for name, schema, table, here, there in rows:
        yield KeyInfo(
            "foreign",
            name or "",
            tuple(json.loads(here or "[]")),
            f"{schema}.{table}",
            tuple(json.loads(there or "[]")),
        )

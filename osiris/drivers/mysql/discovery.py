"""Which tables a MySQL or MariaDB server shows to a user, from its information_schema.

https://dev.mysql.com/doc/refman/8.4/en/information-schema.html
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.discovery import ColumnInfo, Found, KeyInfo, KeyKind, TableInfo, Wanted, ordered
from osiris.core.errors import StepError
from osiris.drivers.mysql.lookup import Lookup
from osiris.drivers.mysql.names import quoted

_SYSTEM: Final = ("information_schema", "mysql", "performance_schema", "sys")
_KINDS: Final = {"VIEW": "view", "SYSTEM VIEW": "view", "SEQUENCE": ""}
"""Types of tables that are not called `table`; "" stands for what holds no rows to extract."""

_FEW: Final = 5
"""Tables that are asked about one by one; of more, all tables of the schema at once."""

_SCHEMAS: Final = "SELECT schema_name AS s FROM information_schema.schemata ORDER BY schema_name"
# Names are compared byte by byte: some differ only in upper and lower case.
_IN_SCHEMA: Final = "table_schema = {schema} AND BINARY table_schema = {schema}"
_IN_TABLE: Final = _IN_SCHEMA + " AND table_name = {table} AND BINARY table_name = {table}"
_TABLES: Final = """\
SELECT table_name AS n, table_type AS t, table_rows AS r, table_comment AS c
FROM information_schema.tables WHERE {where} ORDER BY table_name"""
_COLUMNS: Final = """\
SELECT table_name AS tn, column_name AS n, column_type AS t, is_nullable AS u, column_comment AS c
FROM information_schema.columns WHERE {where} ORDER BY ordinal_position"""
_UNIQUE: Final = """\
SELECT table_name AS tn, index_name AS k, column_name AS c FROM information_schema.statistics
WHERE {where} AND non_unique = 0 ORDER BY index_name, seq_in_index"""
_FOREIGN: Final = """\
SELECT table_name AS tn, constraint_name AS k, column_name AS c, referenced_table_schema AS s,
referenced_table_name AS t, referenced_column_name AS r
FROM information_schema.key_column_usage WHERE {where} AND referenced_table_name IS NOT NULL
ORDER BY constraint_name, ordinal_position"""

_Rows = dict[str, list[tuple[Any, ...]]]
"""Rows of the information_schema by the table they are about."""


@dataclass(frozen=True)
class _Details:
    """What the information_schema says of the columns and keys of some tables."""

    columns: _Rows
    unique: _Rows
    foreign: _Rows


def discover(connection: MySQLConnection, wanted: Wanted) -> Found:
    """Return the tables wanted, of the connection's database or of all the user may see."""
    with Lookup(
        connection,
        base_dir=wanted.base_dir,
        seconds=wanted.seconds,
        cancelled=wanted.cancelled,
    ) as lookup:
        schemas = [name for (name,) in lookup.rows(_SCHEMAS)]
        every: list[TableInfo] = []
        tables: list[TableInfo] = []
        for schema in _chosen(schemas, wanted.schema or connection.database):
            there = list(_tables(lookup, schema))
            asked = [table for table in there if wanted.wants(table.name)]
            # A question for each table is dear when there are many.
            details = _details(lookup, schema) if len(asked) > _FEW else None
            every += there
            tables += [_described(lookup, table, details, wanted) for table in asked]
    readable = tuple(_readable(table, connection.database) for table in tables)
    return Found(readable, tuple(schemas), tuple(table.name for table in every))


def _chosen(schemas: Sequence[str], chosen: str | None) -> list[str]:
    """Return the schemas to look into; some servers do not mind upper and lower case."""
    if not chosen:
        return [name for name in schemas if name.lower() not in _SYSTEM]
    exact = [name for name in schemas if name == chosen]
    return exact or [name for name in schemas if name.lower() == chosen.lower()]


def _tables(lookup: Lookup, schema: str) -> Iterator[TableInfo]:
    for name, type_, rows, comment in lookup.rows(
        _TABLES.format(where=_IN_SCHEMA.format(schema=_literal(schema)))
    ):
        kind = _KINDS.get(type_, "table")
        if not kind:
            continue
        if kind == "table":
            yield TableInfo(schema, name, kind, rows, comment or None)
        else:  # the comment of a view is the word VIEW, or what is wrong with it
            problems = () if comment in {"", "VIEW"} else (comment,)
            yield TableInfo(schema, name, kind, problems=problems)


def _details(lookup: Lookup, schema: str, table: str | None = None) -> _Details:
    """Ask for the columns and keys of one table, or of all tables of a schema."""
    if table is None:
        where = _IN_SCHEMA.format(schema=_literal(schema))
    else:
        where = _IN_TABLE.format(schema=_literal(schema), table=_literal(table))
    return _Details(
        *(_by_table(lookup.rows(sql.format(where=where))) for sql in (_COLUMNS, _UNIQUE, _FOREIGN))
    )


def _by_table(rows: Iterable[tuple[Any, ...]]) -> _Rows:
    found: _Rows = defaultdict(list)
    for table, *rest in rows:
        found[table].append(tuple(rest))
    return found


def _described(
    lookup: Lookup, table: TableInfo, details: _Details | None, wanted: Wanted
) -> TableInfo:
    """Return the table with columns, keys and samples, and with what could not be had."""
    schema, name = table.schema or "", table.name
    try:
        about = details or _details(lookup, schema, name)
        columns = about.columns.get(name, ())
        keys = [*_unique(about.unique.get(name, ())), *_foreign(about.foreign.get(name, ()))]
        table = replace(
            table,
            columns=tuple(ColumnInfo(n, t, None, u == "YES", c or None) for n, t, u, c in columns),
            keys=ordered(keys),
        )
        return _with_types(lookup, table, wanted.samples)
    except StepError as error:
        wanted.cancelled.raise_if_set()
        if not lookup.usable():
            raise
        return table.but(error.message)


def _with_types(lookup: Lookup, table: TableInfo, samples: int) -> TableInfo:
    """Read as many rows as wanted: what the server says of them gives the types."""
    names = [column.name for column in table.columns]
    if not names:
        return table
    rows = lookup.table(f"{_select(table.schema or '', table.name, names)} LIMIT {samples:d}")
    typed = [
        replace(column, arrow_type=str(field.type))
        for column, field in zip(table.columns, rows.schema, strict=True)
    ]
    return replace(table, columns=tuple(typed), samples=rows if samples else None)


def _readable(table: TableInfo, database: str | None) -> TableInfo:
    """Return the table with the config that reads it, every column named."""
    names = [column.name for column in table.columns if column.arrow_type is not None]
    if not names:
        return table
    if table.schema == database:
        return replace(table, read={"table": table.name, "columns": names})
    return replace(table, read={"query": _select(table.schema or "", table.name, names)})


def _unique(rows: Iterable[Sequence[str]]) -> Iterator[KeyInfo]:
    columns: dict[str, list[str]] = defaultdict(list)
    for key, column in rows:
        columns[key].append(column)
    for key, named in columns.items():
        kind: KeyKind = "primary" if key == "PRIMARY" else "unique"
        if all(named):  # an index over an expression has no column
            yield KeyInfo(kind, key, tuple(named))


def _foreign(rows: Iterable[Sequence[str]]) -> Iterator[KeyInfo]:
    found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for key, column, schema, table, referenced in rows:
        found[key, f"{schema}.{table}"].append((column, referenced))
    for (key, table), pairs in found.items():
        here, there = zip(*pairs, strict=True)
        yield KeyInfo("foreign", key, here, table, there)


def _select(schema: str, table: str, columns: Iterable[str]) -> str:
    chosen = ", ".join(map(quoted, columns))
    return f"SELECT {chosen} FROM {quoted(schema)}.{quoted(table)}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

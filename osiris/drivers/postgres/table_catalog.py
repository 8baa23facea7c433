"""Looking a table up in PostgreSQL's catalog: what it is, its columns, its keys, who points to it.

https://www.postgresql.org/docs/current/catalogs.html.
"""

from dataclasses import dataclass
from typing import Final

from psycopg.rows import class_row

from osiris.core.errors import ConfigError
from osiris.drivers.postgres.column_types import array_of, catalog_type
from osiris.drivers.postgres.connect import PsycopgConnection
from osiris.drivers.postgres.identifiers import quoted
from osiris.drivers.relational.column_type import Column, Target

_WRITABLE: Final = {"r": "table", "p": "partitioned table"}
_KINDS: Final = {"v": "view", "m": "materialized view", "f": "foreign table", "S": "sequence"}

_FIND: Final = """
SELECT c.oid, c.relkind::text FROM pg_catalog.pg_class c
WHERE c.relname = %s AND c.relnamespace = (
    SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = %s)
"""
_HOME: Final = """
SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
WHERE c.oid = to_regclass(%s) UNION ALL SELECT current_schema() LIMIT 1
"""
# Domains are followed down to the type that has a binary form; each may forbid NULL.
_COLUMNS: Final = """
WITH RECURSIVE below (attnum, type, modifier, required, has_default) AS (
    SELECT a.attnum, a.atttypid, a.atttypmod, a.attnotnull, false
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT b.attnum, t.typbasetype, t.typtypmod, b.required OR t.typnotnull,
        b.has_default OR t.typdefault IS NOT NULL
    FROM below b JOIN pg_catalog.pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS shown,
    t.typname AS wire, t.oid, b.modifier, t.typtype = 'e' AS enum, b.required,
    a.atthasdef OR b.has_default OR a.attidentity <> '' AS filled,
    a.attgenerated <> '' AS computed, e.typname AS element_wire, e.oid AS element_oid,
    e.typtype = 'e' AS element_enum, pg_catalog.format_type(e.oid, b.modifier) AS element_shown
FROM below b JOIN pg_catalog.pg_type t ON t.oid = b.type AND t.typtype <> 'd'
    JOIN pg_catalog.pg_attribute a ON a.attrelid = %s AND a.attnum = b.attnum
    LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid
ORDER BY b.attnum
"""
_UNIQUE: Final = """
SELECT array_agg(a.attname::text) FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = %s AND i.indisunique AND i.indisvalid AND i.indimmediate
    AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = i.indnatts
GROUP BY i.indexrelid
"""
# Who would be changed by deleting the rows: foreign keys of other tables that act on it.
_ACTING: Final = """
SELECT conname, conrelid::regclass::text FROM pg_catalog.pg_constraint
WHERE contype = 'f' AND confrelid = %s AND conrelid <> confrelid AND confdeltype IN ('c', 'n', 'd')
ORDER BY 1 LIMIT 1
"""


@dataclass(frozen=True)
class _CatalogColumn:
    """A row of the query for the columns."""

    name: str
    shown: str
    wire: str
    oid: int
    modifier: int
    enum: bool
    required: bool
    filled: bool
    computed: bool
    element_wire: str | None
    element_oid: int | None
    element_enum: bool | None
    element_shown: str | None


@dataclass(frozen=True)
class Place:
    """Where a table is, or is to be: its schema and its name, and how messages write both."""

    schema: str
    table: str

    def __str__(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.table)}"


def find_place(connection: PsycopgConnection, schema: str | None, table: str) -> Place:
    """Return where a table is by the search path, or where it would be made."""
    if schema is not None:
        return Place(schema, table)
    row = connection.execute(_HOME, [quoted(table)]).fetchone()
    if row is None or row[0] is None:
        raise ConfigError(
            f"no schema of the search path exists, so there is no place for table {table!r}",
            hint="set `schema`",
        )
    return Place(str(row[0]), table)


def find_table(connection: PsycopgConnection, place: Place) -> int | None:
    """Return the number (oid) of a table, None when there is none.

    Raises `ConfigError` when it is something that rows are not written into.
    """
    row = connection.execute(_FIND, [place.table, place.schema]).fetchone()
    if row is None:
        return None
    oid, kind = int(row[0]), str(row[1])
    if kind not in _WRITABLE:
        raise ConfigError(
            f"{place} is a {_KINDS.get(kind, 'relation that is no table')}; rows are written into "
            "tables only",
            hint="name the table behind it",
        )
    return oid


def read_columns(connection: PsycopgConnection, place: Place, oid: int) -> Target:
    """Return the table with its columns."""
    with connection.cursor(row_factory=class_row(_CatalogColumn)) as cursor:
        rows = cursor.execute(_COLUMNS, [oid, oid]).fetchall()
    return Target(str(place), tuple(map(_column, rows)))


def _column(row: _CatalogColumn) -> Column:
    kind = catalog_type(row.shown, row.wire, row.oid, row.modifier, enum=row.enum)
    if row.element_wire is not None and row.element_oid is not None:
        element = catalog_type(
            row.element_shown or row.element_wire,
            row.element_wire,
            row.element_oid,
            row.modifier,
            enum=bool(row.element_enum),
        )
        kind = array_of(row.shown, element)
    return Column(
        row.name, kind, nullable=not row.required, filled=row.filled, computed=row.computed
    )


def has_unique_key(connection: PsycopgConnection, oid: int, key: tuple[str, ...]) -> bool:
    """Tell whether an index makes sure that no two rows have the same key."""
    rows = connection.execute(_UNIQUE, [oid]).fetchall()
    return any(set(row[0]) == set(key) for row in rows)


def refuse_acting_references(connection: PsycopgConnection, place: Place, oid: int) -> None:
    """Raise `ConfigError` when rows of other tables would go or change with this one's."""
    row = connection.execute(_ACTING, [oid]).fetchone()
    if row is not None:
        raise ConfigError(
            f"replacing the rows of {place} would also delete or change rows of {row[1]}, whose "
            f"foreign key {row[0]!r} acts when a row goes",
            hint="use write_mode: upsert, or declare the foreign key without ON DELETE",
        )

"""What a writer must know of a table: columns, keys, engine, and what hangs on it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from osiris.core.errors import ConfigError
from osiris.drivers.mysql.column_types import ColumnFacts, existing_type
from osiris.drivers.mysql.names import quoted
from osiris.drivers.mysql.write_session import WriteSession
from osiris.drivers.relational.column_type import Column

_COMPUTED: Final = ("VIRTUAL GENERATED", "STORED GENERATED", "PERSISTENT")
_COLUMNS: Final = (
    "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION,"
    " NUMERIC_SCALE, DATETIME_PRECISION, IS_NULLABLE, COLUMN_DEFAULT, EXTRA"
    " FROM information_schema.COLUMNS WHERE {} ORDER BY ORDINAL_POSITION"
)
_KEYS: Final = (
    "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS"
    " WHERE {} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX"
)
_ENGINE: Final = (
    "SELECT TABLE_TYPE, t.ENGINE, e.TRANSACTIONS FROM information_schema.TABLES AS t"
    " LEFT JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE WHERE {}"
)
_TRIGGERS: Final = (
    "SELECT COUNT(*) FROM information_schema.TRIGGERS"
    " WHERE EVENT_OBJECT_SCHEMA = {schema} AND EVENT_OBJECT_TABLE = {table}"
)
_REFERENCES: Final = (
    "SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE WHERE"
    " (TABLE_SCHEMA = {schema} AND TABLE_NAME = {table} AND REFERENCED_TABLE_NAME IS NOT NULL)"
    " OR (REFERENCED_TABLE_SCHEMA = {schema} AND REFERENCED_TABLE_NAME = {table})"
)


@dataclass(frozen=True)
class Place:
    """The names of a table and of its database."""

    database: str
    table: str

    @property
    def sql(self) -> str:
        """The table as SQL."""
        return f"{quoted(self.database)}.{quoted(self.table)}"

    def __str__(self) -> str:
        """The table as messages have it."""
        return f"{self.database}.{self.table}"

    def beside(self, table: str) -> "Place":
        """Return another table of the same database."""
        return Place(self.database, table)


@dataclass(frozen=True)
class TableFacts:
    """A table that is there.

    Attributes:
        columns: its columns in order.
        engine: its storage engine.
        transactional: whether the engine can take changes back.
        unique_keys: the columns of each unique index that covers whole values, by the index.
        tied: whether triggers or foreign keys hang on it, which another table in its place would
            not have.

    """

    columns: tuple[Column, ...]
    engine: str
    transactional: bool
    unique_keys: dict[str, tuple[str, ...]]
    tied: bool


def find_place(session: WriteSession, schema: str | None, table: str) -> Place:
    """Return the table's names; raises `ConfigError` when there is no database to look in."""
    database = schema or session.value("SELECT DATABASE()")
    if not database:
        raise ConfigError(
            "no database is chosen", hint="set `schema`, or `database` in the connection"
        )
    return Place(database, table)


def table_facts(
    session: WriteSession, place: Place, source: Callable[[str], pa.DataType | None]
) -> TableFacts | None:
    """Return what is known of a table, None when there is none.

    `source` gives the Arrow type of the input's column of a name. Raises `ConfigError` for a view.
    """
    schema, table = literal(place.database), literal(place.table)
    where = f"TABLE_SCHEMA = {schema} AND TABLE_NAME = {table}"
    if session.value("SELECT @@lower_case_table_names") == "0":
        # The server tells names apart by case, its catalogue does not.
        where += f" AND CAST(TABLE_NAME AS BINARY) = 0x{place.table.encode().hex()}"
    found = session.rows(_ENGINE.format(where))
    if not found:
        return None
    kind, engine, transactions = found[0]
    if kind != "BASE TABLE" or engine is None:
        raise ConfigError(
            f"{place} is no table that can be written but a {(kind or 'table').lower()}",
            hint="name the table behind it",
        )
    maria = "mariadb" in (session.value("SELECT VERSION()") or "").lower()
    columns = [_column(row, source, maria=maria) for row in session.rows(_COLUMNS.format(where))]
    tied = [
        session.value(query.format(schema=schema, table=table)) != "0"
        for query in (_TRIGGERS, _REFERENCES)
    ]
    keys = _unique_keys(session.rows(_KEYS.format(where)))
    return TableFacts(tuple(columns), engine, transactions == "YES", keys, any(tied))


def literal(text: str) -> str:
    """Return a text as an SQL literal that needs no escaping."""
    return f"CONVERT(0x{text.encode().hex()} USING utf8mb4)" if text else "''"


def _column(
    row: tuple[str | None, ...], source: Callable[[str], pa.DataType | None], *, maria: bool
) -> Column:
    name, kind, full, length, precision, scale, fraction, nullable, default, extra = row
    facts = ColumnFacts(
        kind or "",
        full or "",
        length=_number(length),
        precision=_number(precision),
        scale=_number(scale),
        fraction=_number(fraction),
        source=source(name or ""),
    )
    extra = (extra or "").upper()
    # MariaDB writes a default as SQL, and so a default of NULL as the word.
    given = default is not None and not (maria and default == "NULL")
    return Column(
        name or "",
        existing_type(facts),
        nullable=nullable == "YES",
        filled=given or "AUTO_INCREMENT" in extra or "DEFAULT_GENERATED" in extra,
        computed=any(mark in extra for mark in _COMPUTED),
    )


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _unique_keys(rows: list[tuple[str | None, ...]]) -> dict[str, tuple[str, ...]]:
    keys: dict[str, tuple[str, ...]] = {}
    partial = set()
    for index, column, part in rows:
        name = index or ""
        keys[name] = (*keys.get(name, ()), column or "")
        if part is not None or column is None:  # of the first characters only, or an expression
            partial.add(name)
    return {name: columns for name, columns in keys.items() if name not in partial}

"""The statements that make and change tables for a writer."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from osiris.core.errors import SystemStepError
from osiris.drivers.mysql.names import quoted
from osiris.drivers.mysql.table_facts import Place
from osiris.drivers.relational.column_type import Column, ColumnType
from osiris.drivers.relational.plan import Evolution

_KEY_LENGTH: Final = 255
"""Characters or bytes of a text or binary column in the key of a table that is made."""

_COLLATIONS: Final = ("utf8mb4_nopad_bin", "utf8mb4_0900_bin", "utf8mb4_bin")
EXACT_COLLATION: Final = (
    "SELECT COLLATION_NAME FROM information_schema.COLLATIONS WHERE COLLATION_NAME IN"
    f" ({', '.join(map(repr, _COLLATIONS))}) ORDER BY FIELD(COLLATION_NAME,"
    f" {', '.join(map(repr, _COLLATIONS))}) LIMIT 1"
)
"""Query for the collation that tells most texts apart, on whatever server: MariaDB's, MySQL's."""


def keyed(columns: Iterable[Column], key: Sequence[str], collation: str) -> list[Column]:
    """Return the columns of a new table, those of the key as types that a key can have."""
    return [
        replace(column, type=_key_type(column.type, collation)) if column.name in key else column
        for column in columns
    ]


def _key_type(kind: ColumnType, collation: str) -> ColumnType:
    if kind.name == "longtext":
        name = f"varchar({_KEY_LENGTH}) CHARACTER SET utf8mb4 COLLATE {collation}"
        return replace(kind, name=name, length=_KEY_LENGTH)
    if kind.name == "longblob":
        return replace(kind, name=f"varbinary({_KEY_LENGTH})", length=_KEY_LENGTH)
    return kind


def create_table(place: Place, columns: Iterable[Column], key: Sequence[str]) -> str:
    """Return the statement that makes a table with its key."""
    parts = [
        f"{quoted(column.name)} {column.type.name} {'NULL' if column.nullable else 'NOT NULL'}"
        for column in columns
    ]
    if key:
        parts.append(f"PRIMARY KEY ({', '.join(map(quoted, key))})")
    return (
        f"CREATE TABLE {place.sql} ({', '.join(parts)}) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4"
    )


def evolve(place: Place, evolutions: Iterable[Evolution], definition: Callable[[str], str]) -> str:
    """Return the one statement that makes all changes to a table.

    `definition` gives a column's definition without its name, as SHOW CREATE TABLE has it: what is
    not said again in a change would be lost.
    """
    return f"ALTER TABLE {place.sql} " + ", ".join(
        _change(evolution, definition) for evolution in evolutions
    )


def _change(evolution: Evolution, definition: Callable[[str], str]) -> str:
    column = evolution.column
    name = quoted(column.name)
    if evolution.change == "column_added":
        return f"ADD COLUMN {name} {column.type.name} NULL"
    had = definition(column.name)
    if evolution.change == "not_null_dropped":
        return f"MODIFY COLUMN {name} {had.replace(' NOT NULL', ' NULL', 1)}"
    rest = had.removeprefix(evolution.from_type or "")
    if rest == had:
        raise SystemStepError(f"cannot tell the type of column {column.name!r} from {had!r}")
    return f"MODIFY COLUMN {name} {column.type.name}{rest}"


def definitions(statement: str) -> Callable[[str], str]:
    """Return what gives a column's definition out of a CREATE TABLE statement of the server."""
    lines = [line.strip().removesuffix(",") for line in statement.splitlines()]

    def definition(name: str) -> str:
        prefix = f"{quoted(name)} "
        found = [line for line in lines if line.startswith(prefix)]
        if not found:
            raise SystemStepError(f"the server does not show how column {name!r} is defined")
        return found[0].removeprefix(prefix)

    return definition

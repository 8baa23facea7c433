"""SQL of writing a table in which PostgreSQL and DuckDB are one: its names are in double quotes."""

from collections.abc import Iterable, Sequence

from osiris.core.scan_sql import identifier
from osiris.drivers.relational.column_type import Column
from osiris.drivers.relational.plan import Plan


def create_table(place: object, columns: Iterable[Column], key: Sequence[str]) -> str:
    """Return the statement that makes a table with its key; `place` is its name in SQL."""
    parts = [
        f"{identifier(column.name)} {column.type.name}{'' if column.nullable else ' NOT NULL'}"
        for column in columns
    ]
    if key:
        parts.append(f"PRIMARY KEY ({listed(key)})")
    return f"CREATE TABLE {place} ({', '.join(parts)})"


def on_conflict(plan: Plan) -> str:
    """Return the end of an INSERT that lets its rows take the place of those with their key."""
    others = [c.column.name for c in plan.columns if c.column.name not in plan.key]
    # A row of nothing but its key is written all the same, so that it is counted.
    changed = ", ".join(f"{identifier(n)} = EXCLUDED.{identifier(n)}" for n in others or plan.key)
    return f"ON CONFLICT ({listed(plan.key)}) DO UPDATE SET {changed}"


def repeated_key(stage: str, plan: Plan) -> str:
    """Return the query for one key that several staged rows have: how many, the key as texts."""
    texts = ", ".join(f"{identifier(name)}::varchar" for name in plan.key)
    return (
        f"SELECT count(*), {texts} FROM {stage} "
        f"GROUP BY {listed(plan.key)} HAVING count(*) > 1 LIMIT 1"
    )


def column_names(plan: Plan) -> str:
    """Return the names of the columns that are written."""
    return listed(planned.column.name for planned in plan.columns)


def listed(names: Iterable[str]) -> str:
    """Return names in quotes, with commas."""
    return ", ".join(map(identifier, names))

"""The SQL of writing a table of a DuckDB file, put together from quoted names."""

from collections.abc import Iterator
from typing import Final

from osiris.core.scan_sql import identifier
from osiris.drivers.relational.plan import Evolution, Plan
from osiris.drivers.relational.table_sql import column_names, on_conflict

STAGE: Final = "temp.osiris_stage"
"""The temporary table where the rows of an upsert wait."""

_SCHEMA: Final = "database_name = current_database() AND lower(schema_name) = lower($1)"
_HERE: Final = f"{_SCHEMA} AND lower(table_name) = lower($2)"

FIND: Final = f"""
    SELECT 'table' FROM duckdb_tables() WHERE {_HERE}
    UNION ALL
    SELECT 'view' FROM duckdb_views() WHERE {_SCHEMA} AND lower(view_name) = lower($2)
"""
COLUMNS: Final = f"""
    SELECT column_name, is_nullable, column_default, is_generated
    FROM duckdb_columns() WHERE {_HERE} ORDER BY column_index
"""
UNIQUE: Final = f"""
    SELECT constraint_column_names FROM duckdb_constraints()
    WHERE {_HERE} AND constraint_type IN ('PRIMARY KEY', 'UNIQUE')
"""


def create_stage(plan: Plan) -> str:
    """Return the statement that makes the stage."""
    parts = [f"{identifier(c.column.name)} {c.column.type.name}" for c in plan.columns]
    return f"CREATE OR REPLACE TEMPORARY TABLE osiris_stage ({', '.join(parts)})"


def evolutions(place: str, plan: Plan) -> Iterator[str]:
    """Yield the statements that change the table."""
    for evolution in plan.evolutions:
        yield f"ALTER TABLE {place} {_change(evolution)}"


def _change(evolution: Evolution) -> str:
    name, kind = identifier(evolution.column.name), evolution.column.type.name
    return {
        "column_added": f"ADD COLUMN {name} {kind}",
        "type_widened": f"ALTER COLUMN {name} TYPE {kind}",
        "not_null_dropped": f"ALTER COLUMN {name} DROP NOT NULL",
    }[evolution.change]


def insert(into: str, plan: Plan, rows: str) -> str:
    """Return the statement that inserts registered rows, named c0, c1 and so on."""
    values = ", ".join(
        f"CAST(c{place} AS {planned.column.type.name})"
        for place, planned in enumerate(plan.columns)
    )
    return f"INSERT INTO {into} ({column_names(plan)}) SELECT {values} FROM {rows}"


def merge(place: str, plan: Plan) -> str:
    """Return the statement that lets the staged rows take the place of those with their key."""
    names = column_names(plan)
    return f"INSERT INTO {place} ({names}) SELECT {names} FROM {STAGE} {on_conflict(plan)}"

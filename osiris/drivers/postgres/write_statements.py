"""The SQL of writing a table, put together from quoted names."""

from collections.abc import Iterable

import pyarrow as pa

from osiris.drivers.postgres.identifiers import quoted, quoted_list
from osiris.drivers.postgres.table_catalog import Place
from osiris.drivers.relational.column_type import ColumnType
from osiris.drivers.relational.plan import Evolution, Plan
from osiris.drivers.relational.table_sql import column_names, on_conflict

STAGE = '"pg_temp"."osiris_stage"'
"""The temporary table where rows wait; it goes with the transaction."""


def create_stage(plan: Plan) -> str:
    """Return the statement that makes the stage; what the server must parse waits as text."""
    parts = [
        f"{quoted(planned.column.name)} {_staged_type(planned.column.type)}"
        for planned in plan.columns
    ]
    return f"CREATE TEMPORARY TABLE {STAGE.partition('.')[2]} ({', '.join(parts)}) ON COMMIT DROP"


def _staged_type(column: ColumnType) -> str:
    if not column.parsed:
        return column.name
    return "text[]" if pa.types.is_list(column.arrow) else "text"


def copy_in(target: str, plan: Plan) -> str:
    """Return the statement that takes the plan's columns in binary form."""
    return f"COPY {target} ({column_names(plan)}) FROM STDIN (FORMAT BINARY)"


def evolve(place: Place, evolutions: Iterable[Evolution]) -> str:
    """Return the one statement that makes all changes to the table."""
    return f"ALTER TABLE {place} " + ", ".join(map(_change, evolutions))


def _change(evolution: Evolution) -> str:
    name, kind = quoted(evolution.column.name), evolution.column.type.name
    return {
        "column_added": f"ADD COLUMN {name} {kind}",
        "type_widened": f"ALTER COLUMN {name} TYPE {kind} USING {name}::{kind}",
        "not_null_dropped": f"ALTER COLUMN {name} DROP NOT NULL",
    }[evolution.change]


def insert_from_stage(place: Place, plan: Plan) -> str:
    """Return the statement that moves the staged rows into the table."""
    values = ", ".join(
        f"{quoted(c.column.name)}::{c.column.type.name}"
        if c.column.type.parsed
        else quoted(c.column.name)
        for c in plan.columns
    )
    names = column_names(plan)
    return f"INSERT INTO {place} ({names}) OVERRIDING SYSTEM VALUE SELECT {values} FROM {STAGE}"


def upsert_from_stage(place: Place, plan: Plan) -> str:
    """Return the statement that lets the staged rows take the place of those with their key.

    In the order of the key, so that two writers wait for each other instead of locking up.
    """
    key = quoted_list(plan.key)
    return f"{insert_from_stage(place, plan)} ORDER BY {key} {on_conflict(plan)}"

"""From PostgreSQL to PostgreSQL: what is read of a table and written into its like is the same."""

from pathlib import Path

import pytest

from osiris.components.postgres_writer import COMPONENT
from tests.drivers.postgres.test_types import AS_PSYCOPG, AS_TEXT
from tests.support.postgres import PostgresDatabase
from tests.support.postgres_reading import read, settings
from tests.support.table_writing import TableWriting

# More digits than Arrow has are read as texts; a column of so many would round them.
ROUNDING = ("numeric(77,1)", "numeric(1000)")
FIRST_INDEX = "[5:6]={7,8}"
"""An array whose first index is not 1: a list has none."""
KINDS = [
    (kind, tuple(value for value in values if value != FIRST_INDEX))
    for kind, values in [*((kind, values) for kind, _, values in AS_PSYCOPG), *AS_TEXT]
    if kind not in ROUNDING
]


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_every_type_there_and_back(mode: str, pg: PostgresDatabase, tmp_path: Path) -> None:
    columns = ", ".join(f"c{n} {kind}" for n, (kind, _) in enumerate(KINDS))
    pg.execute(f"CREATE TABLE t (i int, {columns}); CREATE TABLE u (LIKE t)")
    casts = ", ".join(f"%s::text::{kind}" for kind, _ in KINDS)
    for row in range(max(len(values) for _, values in KINDS) + 1):
        given = [values[row] if row < len(values) else None for _, values in KINDS]
        pg.execute(f"INSERT INTO t VALUES (%s, {casts})", [row, *given])
    table = read(settings(pg), "SELECT * FROM t ORDER BY i")
    TableWriting(pg, COMPONENT, tmp_path).write(table, table="u", write_mode=mode)
    for n, (kind, _) in enumerate(KINDS):
        query = f"SELECT t.c{n}::text, u.c{n}::text FROM t FULL JOIN u USING (i) ORDER BY i"
        there, back = zip(*pg.execute(query), strict=True)
        assert there == back, kind

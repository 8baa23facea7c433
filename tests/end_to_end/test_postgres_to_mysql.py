"""PostgreSQL to MySQL: every type of the one in a table of the other, value by value."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.core.errors import DataError
from tests.conftest import Database
from tests.drivers.postgres.test_types import AS_PSYCOPG, AS_TEXT
from tests.support.mysql_writing import Target
from tests.support.postgres import PostgresDatabase
from tests.support.postgres_reading import read
from tests.support.postgres_reading import settings as postgres_settings

# MySQL's DECIMAL has 65 digits, 30 after the point.
REFUSED = ("numeric(38,38)", "numeric(76,38)", "numeric(76)")
INFINITE = ("Infinity", "-Infinity")
KINDS = [
    *((kind, values) for kind, _, values in AS_PSYCOPG if kind not in REFUSED),
    *AS_TEXT,
]


def fill(pg: PostgresDatabase, kinds: list[tuple[str, tuple[str, ...]]]) -> None:
    """Make a table with a column of every kind; the i-th row has the i-th value of each."""
    columns = ", ".join(f"c{n} {kind}" for n, (kind, _) in enumerate(kinds))
    pg.execute(f"CREATE TABLE t (i INT, {columns})")
    casts = ", ".join(f"%s::text::{kind}" for kind, _ in kinds)
    for row in range(max(len(values) for _, values in kinds) + 1):
        given = [values[row] if row < len(values) else None for _, values in kinds]
        pg.execute(f"INSERT INTO t VALUES (%s, {casts})", [row, *given])


def _since_midnight(value: dt.time) -> dt.timedelta:
    return dt.datetime.combine(dt.date.min, value) - dt.datetime.min  # noqa: DTZ901 - a difference


def _as_mysql(kind: pa.DataType) -> Callable[[Any], Any]:
    """What a value is in a MySQL table, where that is not itself."""
    if pa.types.is_boolean(kind):
        return int
    if pa.types.is_time(kind):
        return _since_midnight
    return lambda value: value


def _is_json(kind: Any) -> bool:
    return bool(pa.types.is_nested(kind) or kind == pa.json_())


def test_every_type(pg: PostgresDatabase, database: Database, tmp_path: Path) -> None:
    kinds = [
        (
            kind,
            tuple(
                v
                for v in values
                if ("real" not in kind and "double" not in kind) or v not in INFINITE
            ),
        )
        for kind, values in KINDS
    ]
    fill(pg, kinds)
    table = read(postgres_settings(pg), "SELECT * FROM t ORDER BY i")
    target = Target(database, tmp_path)
    for local in (1, 0):
        database.execute(f"SET GLOBAL local_infile = {local}")
        target.write(table, write_mode="replace")
        found = target.read("i")
        for field, (kind, _) in zip(list(table.schema)[1:], kinds, strict=True):
            values = found[field.name].to_pylist()
            expected = table[field.name].to_pylist()
            if _is_json(field.type):
                texts = [
                    value if isinstance(value, str) else json.dumps(value, default=_plain)
                    for value in expected
                ]
                values = [None if v is None else json.loads(v) for v in values]
                expected = [
                    None if v is None else json.loads(t)
                    for v, t in zip(expected, texts, strict=True)
                ]
            else:
                convert = _as_mysql(field.type)
                expected = [None if v is None else convert(v) for v in expected]
            assert values == expected, kind


def _plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize("kind", REFUSED)
def test_more_digits_than_mysql_has(
    pg: PostgresDatabase, database: Database, tmp_path: Path, kind: str
) -> None:
    fill(pg, [(kind, ("0",))])
    table = read(postgres_settings(pg), "SELECT * FROM t")
    with pytest.raises(DataError, match=r"its DECIMAL has 65 digits"):
        Target(database, tmp_path).write(table)


@pytest.mark.parametrize("kind", ["real", "double precision"])
@pytest.mark.parametrize("value", [*INFINITE, "NaN"])
def test_no_number_of_mysql(
    pg: PostgresDatabase, database: Database, tmp_path: Path, kind: str, value: str
) -> None:
    fill(pg, [(kind, ("1.5", value))])
    table = read(postgres_settings(pg), "SELECT * FROM t ORDER BY i")
    target = Target(database, tmp_path)
    with pytest.raises(DataError, match=r"'c0' .* row 2 .*neither NaN nor infinities"):
        target.write(table)
    assert target.tables() == []

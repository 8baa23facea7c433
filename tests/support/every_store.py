"""Every reader with a table of all its types, and every writer with the way to read back."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from osiris.core.driver_registry import DriverRegistry
from osiris.core.events import ArtifactCreated
from osiris.core.stream import Scan
from tests.conftest import Database
from tests.drivers.mysql.test_types import CASES
from tests.drivers.postgres.test_types import AS_PSYCOPG, AS_TEXT
from tests.support.driver_run import DriverRun, read_scan, stream_of
from tests.support.duckdb_file import run_sql
from tests.support.postgres import PostgresDatabase
from tests.support.postgres_values import created_table
from tests.support.postgrest_server import PostgrestServer

NO_TLS = {"mode": "disabled"}
_SQLITE = """
CREATE TABLE t (n INTEGER PRIMARY KEY, i BIGINT, f DOUBLE, b BOOLEAN, s VARCHAR(9), x BLOB, j JSON,
    c DECIMAL(12,2), w NUMERIC(50), d DATE, h TIME, z DATETIME, "any" GEOMETRY);
INSERT INTO t VALUES (1, 9223372036854775807, 5e-324, 1, '', x'', '{"a": [1]}', 9999999999.99, 7,
    '0001-01-01', '23:59:59.999999', '9999-12-31 23:59:59.999999', 'POINT');
INSERT INTO t VALUES (2, -9223372036854775808, 9e999, 0, '🐎', x'00ff', 'null', '-0.10', -12,
    '9999-12-31', '00:00:00', '0001-01-01 00:00:00', '');
INSERT INTO t (n) VALUES (3);
"""
_DUCKDB = """
SELECT * FROM (VALUES
    (1, 127::TINYINT, 255::UTINYINT, 65535::USMALLINT, 4294967295::UINTEGER,
        18446744073709551615::UBIGINT, 170141183460469231731687303715884105::HUGEINT,
        'nan'::DOUBLE, '-inf'::FLOAT, 1.20::DECIMAL(38,37), true, '', 'x00'::BLOB,
        DATE '0001-01-01', TIME '23:59:59.999999', TIMESTAMP '0001-01-01',
        TIMESTAMPTZ '2024-03-31 02:30:00+02', TIMESTAMP_NS '2024-01-01 00:00:00.123456',
        INTERVAL '14 months 3 days 5 microseconds',
        '12345678-1234-1234-1234-123456789012'::UUID, '{"b": 1, "a": 1.0}'::JSON,
        [1, NULL, 3], ['a,b', '"', NULL], {'a': 1, 'b': 'ž'}, MAP {'k': 1}),
    (2, -128, 0, 0, 0, 0, -1, 5e-324, 1.5, -0.5, false, 'NULL', ''::BLOB,
        DATE '9999-12-31', TIME '00:00:00', TIMESTAMP '9999-12-31 23:59:59.999999',
        TIMESTAMPTZ '1969-12-31 23:59:59+00', TIMESTAMP_NS '1970-01-01', INTERVAL '-1 day',
        '00000000-0000-0000-0000-000000000000', 'null', [], [], {'a': NULL, 'b': ''}, MAP {}),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
) AS t(n, i8, u8, u16, u32, u64, huge, f64, f32, dec, bool, text, blob, date, clock, stamp, stampz,
    ns, span, uuid, json, ints, texts, pair, map)"""
_CSV = """\
n,bool,i64,u64,f64,f32,dec,text,date,clock,stamp,stampz
1,true,9223372036854775807,18446744073709551615,nan,inf,9999999999.99,"",0001-01-01,23:59:59.999999,\
9999-12-31 23:59:59.999999,2024-03-31 02:30:00+02:00
2,false,-9223372036854775808,0,5e-324,-1.5,-0.01,"🐎 ""q"", \\N",9999-12-31,00:00:00,\
0001-01-01 00:00:00,1969-12-31 23:59:59.5+00:00
3,,,,,,,,,,,
"""
_CSV_TYPES = {
    "n": "integer",
    "bool": "boolean",
    "i64": "bigint",
    "u64": "ubigint",
    "f64": "double",
    "f32": "float",
    "dec": "decimal(12,2)",
    "text": "string",
    "date": "date",
    "clock": "time",
    "stamp": "timestamp",
    "stampz": "timestamptz",
}


@dataclass(frozen=True)
class Stores:
    """A directory and two databases, in which every component can work."""

    root: Path
    mysql: Database
    pg: PostgresDatabase
    rest: PostgrestServer

    def connection(self, family: str) -> dict[str, Any]:
        """Return how a family's components connect."""
        if family == "rest":
            return dict(self.rest.connection)
        of = self.mysql if family == "mysql" else self.pg
        return {**of.connection(), "tls": NO_TLS}

    def read(self, component: str, /, **options: Any) -> pa.Table:
        """Run an extractor and return all its rows, every value checked."""
        if component.partition(".")[0] in {"mysql", "postgres", "supabase"}:
            options = {"connection": self.connection(component.partition(".")[0]), **options}
        found = DriverRun(self.root).run(DriverRegistry().component(component), {}, **options)["df"]
        if isinstance(found, Scan):
            return read_scan(found)
        with closing(found):
            table: pa.Table = found.read_all()
        table.validate(full=True)
        return table

    def write(self, component: str, data: pa.Table, /, **options: Any) -> Path | None:
        """Run a writer; return the file that it made."""
        step = DriverRun(self.root)
        writer = DriverRegistry().component(component)
        outputs = step.run(writer, {"df": stream_of(data, rows=2)}, **options)
        assert outputs["rows_written"] == data.num_rows
        made = [event for event in step.events if isinstance(event, ArtifactCreated)]
        return step.output_dir / Path(options["path"]).name if made else None


# --- readers: a table of every type ---


def _from_mysql(stores: Stores) -> pa.Table:
    kinds = [case for case in CASES if case.tinyint1 == "int8"]
    declared = ", ".join(f"c{n} {case.sql} NULL" for n, case in enumerate(kinds))
    stores.mysql.execute(f"CREATE TABLE source (n INT, {declared}) CHARSET utf8mb4")
    for row in range(max(len(case.literals) for case in kinds) + 1):
        given = [case.literals[row] if row < len(case.literals) else "NULL" for case in kinds]
        stores.mysql.execute(f"INSERT INTO source VALUES ({row}, {', '.join(given)})")
    return stores.read("mysql.extractor", query="SELECT * FROM source ORDER BY n")


def _from_postgres(stores: Stores) -> pa.Table:
    kinds = [*((kind, values) for kind, _, values in AS_PSYCOPG), *AS_TEXT]
    columns = ", ".join(f"c{n} {kind}" for n, (kind, _) in enumerate(kinds))
    stores.pg.execute(f"CREATE TABLE source (n int, {columns})")
    casts = ", ".join(f"%s::text::{kind}" for kind, _ in kinds)
    for row in range(max(len(values) for _, values in kinds) + 1):
        given = [values[row] if row < len(values) else None for _, values in kinds]
        stores.pg.execute(f"INSERT INTO source VALUES (%s, {casts})", [row, *given])
    spans = "make_interval(months => n, days => -n, secs => n + 0.5) AS span"
    query = f"SELECT *, {spans}, TIMESTAMPTZ '2024-03-31 02:30+02' AS z FROM source ORDER BY n"
    return stores.read("postgres.extractor", query=query)


def _from_duckdb(stores: Stores) -> pa.Table:
    run_sql(stores.root / "source.duckdb", f"CREATE TABLE t AS {_DUCKDB}")
    return stores.read("duckdb.extractor", path="source.duckdb", table="t")


def _from_sqlite(stores: Stores) -> pa.Table:
    with closing(sqlite3.connect(stores.root / "source.db")) as database:
        database.executescript(_SQLITE)
    return stores.read("sqlite.extractor", path="source.db", table="t")


def _from_csv(stores: Stores) -> pa.Table:
    (stores.root / "source.csv").write_text(_CSV, "utf-8")
    return stores.read("filesystem.csv_extractor", path="source.csv", columns=_CSV_TYPES)


def _from_parquet(stores: Stores) -> pa.Table:
    table = created_table()
    held = [name for name in table.column_names if name != "interval"]  # which no file can hold
    pq.write_table(table.select(held), stores.root / "source.parquet")
    return stores.read("filesystem.parquet_extractor", path="source.parquet")


READERS: Mapping[str, Callable[[Stores], pa.Table]] = {
    "mysql": _from_mysql,
    "postgres": _from_postgres,
    "duckdb": _from_duckdb,
    "sqlite": _from_sqlite,
    "csv": _from_csv,
    "parquet": _from_parquet,
}

# --- writers: a table written into a new table or file of this name, and read again ---

_REQUEST = 3 << 20
_NEW = {"write_mode": "replace", "create_if_missing": True}


def _by_mysql(stores: Stores, data: pa.Table, name: str) -> pa.Table:
    connection = stores.connection("mysql")
    stores.write("mysql.writer", data, connection=connection, table=name, **_NEW)
    return stores.read("mysql.extractor", table=name)


def _by_postgres(stores: Stores, data: pa.Table, name: str) -> pa.Table:
    connection = stores.connection("postgres")
    stores.write("postgres.writer", data, connection=connection, table=name, **_NEW)
    return stores.read("postgres.extractor", table=name)


def _by_rest(stores: Stores, data: pa.Table, name: str) -> pa.Table:
    """The table is made by the other way, for REST makes none."""
    pg, rest = stores.connection("supabase"), stores.connection("rest")
    stores.write("supabase.writer", data.slice(0, 0), connection=pg, table=name, **_NEW)
    # Only what fits into one request goes as one.
    batches = {"batch_size": 1000} if data.nbytes > _REQUEST else {}
    stores.write("supabase.writer", data, connection=rest, table=name, **batches)
    return stores.read("supabase.extractor", table=name)


def _by_duckdb(stores: Stores, data: pa.Table, name: str) -> pa.Table:
    stores.write("duckdb.writer", data, path="t.duckdb", table=name, **_NEW)
    return stores.read("duckdb.extractor", path="t.duckdb", table=name)


def _by_parquet(stores: Stores, data: pa.Table, name: str) -> pa.Table:
    made = stores.write("filesystem.parquet_writer", data, path=f"{name}.parquet")
    return stores.read("filesystem.parquet_extractor", path=str(made))


def _by_csv(stores: Stores, data: pa.Table, name: str) -> pa.Table:
    """CSV holds texts; read as texts, they must say what the values are."""
    made = stores.write("filesystem.csv_writer", data, path=f"{name}.csv")
    types = dict.fromkeys(data.column_names, "string")
    return stores.read("filesystem.csv_extractor", path=str(made), columns=types)


WRITERS: Mapping[str, Callable[[Stores, pa.Table, str], pa.Table]] = {
    "mysql": _by_mysql,
    "postgres": _by_postgres,
    "supabase over REST": _by_rest,
    "duckdb": _by_duckdb,
    "parquet": _by_parquet,
    "csv": _by_csv,
}

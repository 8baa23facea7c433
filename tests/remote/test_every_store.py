"""Every database, file and bucket, read and written: the same here and in every sandbox."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import osiris
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.local_adapter import LocalAdapter
from osiris.core.run import RunResult, run_compiled
from osiris.parity.compare import compare_directories
from tests.conftest import Database
from tests.support.duckdb_file import run_sql
from tests.support.postgres import PostgresDatabase
from tests.support.postgrest_server import PostgrestServer
from tests.support.s3 import BUCKET, S3Server

PG_SOURCE = r"""
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE source (id bigint PRIMARY KEY, big numeric(65,30), f float8, d date, z timestamptz,
    i interval, a int[], j jsonb, u uuid, b bytea, m mood, t text, "Order ""by"" x" smallint);
INSERT INTO source SELECT g, 12345678901234567890123456789012345.5 + g, 'NaN', '9999-12-31',
    '2024-03-31 02:30+02', '1 month 2 days 3 seconds', ARRAY[g, NULL, 3]::int[], '{"k": [1, "ž"]}',
    '00000000-0000-0000-0000-00000000000a', '\x00ff', 'sad', CASE g % 3 WHEN 0 THEN ''
    WHEN 1 THEN NULL ELSE '🐎' || g END, g % 7 FROM generate_series(1, 3000) g;
"""
MYSQL_SOURCE = """
CREATE TABLE source (id BIGINT UNSIGNED PRIMARY KEY, big DECIMAL(65,30), d DATETIME(6), t TIME(6),
    s TEXT, b BLOB, e ENUM('a','ž'), j JSON) CHARACTER SET utf8mb4;
INSERT INTO source WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
    SELECT 18446744073709551615 - i, 12345678901234567890123456789012345.5 - i,
    '9999-12-31 23:59:59.999999', '-838:59:59', IF(i % 2, '', NULL), x'00ff', 'ž', '{"k": "🐎"}'
    FROM n;
"""
TARGETS = {
    "from_mysql": "(id numeric(20) PRIMARY KEY, big numeric(65,30), d timestamp, t interval,"
    " s text, b bytea, e text, j json)",
    "from_sqlite": "(id bigint PRIMARY KEY, name text, price numeric(10,2))",
    "from_parquet": "(id bigint PRIMARY KEY, at timestamptz, tags text[])",
    "from_failing": "(id bigint PRIMARY KEY)",
}
DUCKDB_TARGETS = (
    "CREATE TABLE from_sqlite (id BIGINT PRIMARY KEY, name TEXT, price DECIMAL(12, 3))",
    "CREATE TABLE from_failing (id BIGINT PRIMARY KEY)",
)
STEPS: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "pg": ("postgres.extractor", "", {"query": "SELECT * FROM source WHERE id > 0 ORDER BY id"}),
    "ranges": (
        "postgres.extractor",
        "",
        # MySQL has neither NaN nor intervals.
        {
            "table": "source",
            "columns": ["id", "big", "d", "z", "a", "j", "u", "b", "m", "t", 'Order "by" x'],
            "partition": {"column": "id", "parts": 3},
        },
    ),
    "supa": ("supabase.extractor", "", {"connection": "@supabase.pg", "table": "source"}),
    "my": ("mysql.extractor", "", {"table": "source", "partition": {"column": "id", "parts": 2}}),
    "lite": ("sqlite.extractor", "", {"path": "data/t.sqlite", "table": "t"}),
    "duck": ("duckdb.extractor", "", {"path": "data/t.duckdb", "table": "t"}),
    "parquet": ("filesystem.parquet_extractor", "", {"path": "data/*.parquet"}),
    "lake": ("filesystem.csv_extractor", "", {"connection": "@s3.lake", "path": "in/*.csv"}),
    "into_mysql": (
        "mysql.writer",
        "ranges",
        {"table": "from_pg", "write_mode": "replace", "create_if_missing": True},
    ),
    "into_pg": (
        "postgres.writer",
        "my",
        {"table": "from_mysql", "write_mode": "upsert", "primary_key": ["id"]},
    ),
    "into_supabase": (
        "supabase.writer",
        "lite",
        {"connection": "@supabase.pg", "table": "from_sqlite"},
    ),
    "into_rest": (
        "supabase.writer",
        "parquet",
        {
            "connection": "@supabase.rest",
            "table": "from_parquet",
            "write_mode": "upsert",
            "primary_key": ["id"],
        },
    ),
    "into_duckdb": (
        "duckdb.writer",
        "parquet",
        {"path": "new.duckdb", "table": "t", "write_mode": "replace", "create_if_missing": True},
    ),
    "into_same_file": ("duckdb.writer", "lite", {"path": "data/w.duckdb", "table": "from_sqlite"}),
    "into_parquet": ("filesystem.parquet_writer", "duck", {"path": "out/t.parquet"}),
    "into_csv": ("filesystem.csv_writer", "pg", {"path": "out/pg.csv"}),
    "from_supabase": ("filesystem.csv_writer", "supa", {"path": "out/supa.csv"}),
    "into_lake": (
        "filesystem.parquet_writer",
        "lake",
        {"connection": "@s3.lake", "path": "out/t.parquet"},
    ),
}
# What must fail, and its code: in one run, for a step that fails stops no other.
FAILING: Mapping[str, tuple[str, str, dict[str, Any], str]] = {
    "no_pg": ("postgres.extractor", "", {"table": "nowhere"}, "step.config"),
    "no_pg_query": ("postgres.extractor", "", {"query": "SELECT 1/0 AS a"}, "data.invalid"),
    "no_my": ("mysql.extractor", "", {"table": "nowhere"}, "step.config"),
    "no_duck": ("duckdb.extractor", "", {"path": "data/t.sqlite", "table": "t"}, "step.config"),
    "no_lake": (
        "filesystem.csv_extractor",
        "",
        {"connection": "@s3.lake", "path": "in/none.csv"},
        "step.config",
    ),
    "twice": (
        "duckdb.extractor",
        "",
        {"path": "data/t.duckdb", "query": "SELECT 1::BIGINT AS id FROM range(2)"},
        "",
    ),
    "pg_twice": ("postgres.writer", "twice", {"table": "from_failing"}, "data.invalid"),
    "supabase_twice": (
        "supabase.writer",
        "twice",
        {"connection": "@supabase.pg", "table": "from_failing"},
        "data.invalid",
    ),
    "rest_twice": (
        "supabase.writer",
        "twice",
        {"connection": "@supabase.rest", "table": "from_failing"},
        "data.invalid",
    ),
    "my_twice": ("mysql.writer", "twice", {"table": "from_failing"}, "data.invalid"),
    "duck_twice": (
        "duckdb.writer",
        "twice",
        {"path": "data/w.duckdb", "table": "from_failing"},
        "data.invalid",
    ),
    "duck_unfit": (
        "duckdb.writer",
        "text",
        {"path": "data/w.duckdb", "table": "from_failing"},
        "data.invalid",
    ),
    "my_unfit": ("mysql.writer", "text", {"table": "from_failing"}, "data.invalid"),
    "text": ("duckdb.extractor", "", {"path": "data/t.duckdb", "query": "SELECT 'ž' AS id"}, ""),
    "parquet_unfit": (
        "filesystem.parquet_writer",
        "pg_interval",
        {"path": "out/unfit.parquet"},
        "data.invalid",
    ),
    "pg_interval": ("postgres.extractor", "", {"query": "SELECT interval '1 day' AS i"}, ""),
}


@dataclass(frozen=True)
class Stores:
    """A project with something in every place that can be read, and what was written."""

    project: Path
    env: dict[str, str]
    mysql: Database
    pg: PostgresDatabase

    def run(
        self, adapter: ExecutionAdapter, steps: Mapping[str, tuple[Any, ...]]
    ) -> tuple[RunResult, object]:
        """Empty the targets, run the steps, and return what came of it with what was written."""
        for table, columns in TARGETS.items():
            self.pg.execute(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} {columns}")
        self.mysql.script(
            "DROP TABLE IF EXISTS from_pg, from_failing;"
            "CREATE TABLE from_failing (id BIGINT PRIMARY KEY);"
        )
        (self.project / "new.duckdb").unlink(missing_ok=True)
        (self.project / "data/w.duckdb").unlink(missing_ok=True)
        run_sql(self.project / "data/w.duckdb", *DUCKDB_TARGETS)
        pipeline = self.project / "pipeline.json"
        pipeline.write_text(json.dumps(_pipeline(steps)))
        made = osiris.compile_pipeline(pipeline, project=self.project, write=False).compiled
        result = run_compiled(made, adapter, project=self.project, env=self.env)
        return result, self._written()

    def _written(self) -> object:
        tables = [self.pg.execute(f"SELECT t::text FROM {table} t ORDER BY 1") for table in TARGETS]
        there = self.mysql.execute("SHOW TABLES LIKE 'from_pg'")
        mine = self.mysql.execute("SELECT * FROM from_pg ORDER BY id") if there else []
        failing = self.mysql.execute("SELECT * FROM from_failing")
        new = self.project / "new.duckdb"
        asked = [(new, "SELECT t::VARCHAR FROM t ORDER BY id")] if new.exists() else []
        asked += [
            (self.project / "data/w.duckdb", f"SELECT t::VARCHAR FROM {name} t ORDER BY id")
            for name in ("from_sqlite", "from_failing")
        ]
        return [*tables, mine, failing, *(run_sql(path, query) for path, query in asked)]


def _pipeline(steps: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
    own = {"postgres": "@postgres.db", "mysql": "@mysql.db"}
    listed = []
    for step_id, (component, source, config, *_) in steps.items():
        family = component.partition(".")[0]
        connection = {"connection": own[family]} if family in own else {}
        mode = {"mode": "write", "needs": [source]} if source else {"mode": "read"}
        listed.append(
            {"id": step_id, "component": component, **mode, "config": {**connection, **config}}
        )
    return {"oml_version": "0.1.0", "name": "stores", "steps": listed}


def _files(project: Path) -> None:
    (project / "data").mkdir(parents=True)
    with closing(sqlite3.connect(project / "data/t.sqlite")) as db:
        db.executescript(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, price DECIMAL(10,2));"
            "INSERT INTO t VALUES (1, '🐎', 12.34), (2, '', NULL), (9223372036854775807, NULL, 0)"
        )
    run_sql(
        project / "data/t.duckdb",
        "CREATE TABLE t AS SELECT i::UBIGINT AS id, i * INTERVAL 1 DAY + DATE '1999-12-31' AS d,"
        " [i, NULL] AS l, {'a': i, 'b': 'ž'} AS s FROM range(5000) n(i)",
    )
    for number in range(2):
        ids = list(range(number * 700, number * 700 + 700))
        at = pa.array([i * 1_000_001 for i in ids], pa.timestamp("us", "UTC"))
        tags = pa.array([["a", None, 'b"\\'], None] * 350)
        table = pa.table({"id": ids, "at": at, "tags": tags})
        pq.write_table(table, project / f"data/{number}.parquet")


@pytest.fixture
def stores(
    tmp_path: Path, database: Database, pg: PostgresDatabase, s3: S3Server
) -> Iterator[Stores]:
    project = tmp_path / "project"
    _files(project)
    pg.execute(PG_SOURCE)
    database.script(MYSQL_SOURCE)
    s3.client().put_object(Bucket=BUCKET, Key="stores/in/a.csv", Body=b'id,name\n1,a\n2,\n3,""\n')
    with PostgrestServer(pg) as rest:
        secrets = {
            "PG_PASSWORD": pg.connection()["password"],
            "MYSQL_PASSWORD": database.connection()["password"],
            "SERVICE_KEY": rest.connection["key"],
            "S3_ACCESS_KEY": s3.access_key,
            "S3_SECRET_KEY": s3.secret_key,
        }
        postgres = {**pg.connection(), "password": "${PG_PASSWORD}"}
        keys = {"access_key": "${S3_ACCESS_KEY}", "secret_key": "${S3_SECRET_KEY}"}
        connections = {
            "postgres": {"db": postgres},
            "mysql": {"db": {**database.connection(), "password": "${MYSQL_PASSWORD}"}},
            "supabase": {
                "pg": postgres,
                "rest": {"url": rest.url, "key": "${SERVICE_KEY}"},
            },
            "s3": {"lake": s3.options(prefix="stores", **keys)},
        }
        text = json.dumps({"connections": connections})
        (project / "osiris_connections.yaml").write_text(text)
        yield Stores(project, secrets, database, pg)


def _without_difference(
    stores: Stores,
    places: Mapping[str, Callable[[], ExecutionAdapter]],
    steps: Mapping[str, tuple[Any, ...]],
    exit_code: int,
) -> tuple[RunResult, object]:
    here, rows = stores.run(LocalAdapter(), steps)
    assert here.exit_code == exit_code, here.status
    for place in ("bubblewrap", "e2b"):
        there, same = stores.run(places[place](), steps)
        assert there.exit_code == exit_code, (place, there.status)
        assert "sandbox_killed" in there.layout.events.read_text()
        comparison = compare_directories(here.layout.root, there.layout.root)
        assert comparison.same, (place, [d for row in comparison.aspects for d in row.differences])
        assert same == rows, place
        for path in filter(Path.is_file, there.layout.root.rglob("*")):
            held = path.read_bytes()
            assert not [name for name, secret in stores.env.items() if secret.encode() in held]
    return here, rows


def test_all_that_goes_well(
    stores: Stores, places: Mapping[str, Callable[[], ExecutionAdapter]]
) -> None:
    here, rows = _without_difference(stores, places, STEPS, 0)
    assert isinstance(rows, list)
    assert [len(table) for table in rows] == [900, 3, 1400, 0, 3000, 0, 1400, 3, 0]
    into_duckdb = 1400 + 3
    assert here.status.total_rows == 900 + 3 + 1400 + 3000 + 3000 + 3000 + 5000 + 3 + into_duckdb


def test_all_that_fails(
    stores: Stores, places: Mapping[str, Callable[[], ExecutionAdapter]]
) -> None:
    here, rows = _without_difference(stores, places, FAILING, 1)
    assert rows == [[]] * 8
    told = json.loads(here.layout.status.read_text())["steps"]
    codes = {step_id: (told[step_id].get("error") or {}).get("code") for step_id in FAILING}
    assert codes == {step_id: code or None for step_id, (*_, code) in FAILING.items()}

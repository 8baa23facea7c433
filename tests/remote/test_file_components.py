"""Each component that reads or writes files leaves the same evidence in a sandbox as here."""

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import osiris
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.local_adapter import LocalAdapter
from osiris.core.run import RunResult, run_compiled
from osiris.parity.compare import compare_directories
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.support.duckdb_file import run_sql
from tests.support.sandboxes import FarProvider

PLACES: Mapping[str, Callable[[], ExecutionAdapter]] = {
    "bubblewrap": sandbox_adapter,
    "far": lambda: E2BTransparentProxy(FarProvider()),
}
READS = {
    "parquet": "component: filesystem.parquet_extractor, config: {path: 'data/*.parquet'}",
    "sqlite": "component: sqlite.extractor, config: {path: data/t.db, table: t}",
    "duckdb": "component: duckdb.extractor, config: {path: data/t.duckdb, table: t}",
    "no table": "component: sqlite.extractor, config: {path: data/t.db, table: none}",
    "no parquet": "component: filesystem.parquet_extractor, config: {path: data/t.db}",
}
PIPELINE = """\
oml_version: 0.1.0
name: files
steps:
  - {{id: read, mode: read, {read}}}
  - id: filter
    mode: transform
    component: duckdb.processor
    config: {{query: SELECT * FROM read WHERE id > 2}}
  - {{id: write, mode: write, {write}}}
"""
PARQUET = "component: filesystem.parquet_writer, config: {path: out/t.parquet}"
DUCKDB = "component: duckdb.writer, config: {path: t.duckdb, table: t, create_if_missing: true}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a file of every kind; the row with id 3 of SQLite is in its log."""
    project = tmp_path / "project"
    (project / "data").mkdir(parents=True)
    for name, ids in (("a", [1, 2]), ("b", [3, 4])):
        pq.write_table(pa.table({"id": ids}), project / f"data/{name}.parquet")
    run_sql(project / "data/t.duckdb", "CREATE TABLE t AS SELECT i AS id FROM range(6) n(i)")
    return project


def run(project: Path, adapter: ExecutionAdapter, read: str, write: str = PARQUET) -> RunResult:
    pipeline = project / "pipeline.yaml"
    pipeline.write_text(PIPELINE.format(read=READS[read], write=write))
    compiled = osiris.compile_pipeline(pipeline, project=project, write=False).compiled
    return run_compiled(compiled, adapter, project=project, env={})


@pytest.mark.usefixtures("bubblewrap")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("read", READS)
def test_a_sandbox_makes_no_difference(project: Path, read: str, place: str) -> None:
    with closing(sqlite3.connect(project / "data/t.db")) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.executescript("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1), (3)")
        here = run(project, LocalAdapter(), read)
        there = run(project, PLACES[place](), read)
    assert here.ok == (not read.startswith("no "))
    comparison = compare_directories(here.layout.root, there.layout.root)
    assert comparison.same, [d for row in comparison.aspects for d in row.differences]
    if read == "no parquet":
        assert there.status.error is not None
        assert there.status.error["message"].startswith("data/t.db is no Parquet file")
    if here.ok:
        made = pq.ParquetFile(project / "out/t.parquet").read()["id"].to_pylist()
        assert made == {"parquet": [3, 4], "sqlite": [3], "duckdb": [3, 4, 5]}[read]


def test_it_is_changed_here(project: Path) -> None:
    result = run(project, LocalAdapter(), "parquet", DUCKDB)
    assert result.ok, result.error
    assert run_sql(project / "t.duckdb", "FROM t") == [(3,), (4,)]
    assert result.status.total_rows == 2


def test_a_file_that_cannot_be_changed_is_told_before_anything_runs(project: Path) -> None:
    (project / "t.duckdb").mkdir()
    result = run(project, LocalAdapter(), "parquet", DUCKDB)
    assert result.exit_code == 4
    assert result.error is not None
    assert "step 'write' cannot change" in result.error.message
    assert "it is a directory" in result.error.message

"""What was written into databases is named in a run's summary, as published files are."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import osiris
from osiris.cli.run_report import run_lines
from osiris.report.html.run_page import run_page
from osiris.report.read_run import read_run, summarize_run
from osiris.report.run_record import WrittenTable
from tests.support.duckdb_file import run_sql

PIPELINE = """\
oml_version: 0.1.0
name: tables
steps:
  - {id: read, component: filesystem.csv_extractor, mode: read, config: {path: in.csv}}
  - id: plain
    component: duckdb.writer
    mode: write
    needs: [read]
    config: {path: out/t.duckdb, table: films, create_if_missing: true}
  - id: in-schema
    component: duckdb.writer
    mode: write
    needs: [read]
    config: {path: out/t.duckdb, schema: old, table: films, create_if_missing: true}
  - id: refused
    component: duckdb.writer
    mode: write
    needs: [read]
    config: {path: out/t.duckdb, table: none}
  - {id: file, component: filesystem.csv_writer, mode: write, needs: [read], config: {path: o.csv}}
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A run that wrote two tables and a file; one step failed."""
    (tmp_path / "in.csv").write_text("id\n" + "".join(f"{n}\n" for n in range(1234)))
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    (tmp_path / "out").mkdir()
    run_sql(tmp_path / "out/t.duckdb", "CREATE SCHEMA old")
    result = osiris.run_pipeline(tmp_path / "pipeline.yaml", project=tmp_path, env={})
    assert (result.exit_code, result.status.steps_completed) == (1, 4)
    return result.layout.root


def test_every_table_that_was_written_is_named(directory: Path) -> None:
    run = read_run(directory)
    assert set(run.tables) == {
        WrittenTable("plain", "out/t.duckdb", "films", 1234),
        WrittenTable("in-schema", "out/t.duckdb", "old.films", 1234),
    }
    lines = list(run_lines(run, 80))
    assert "written    out/t.duckdb films (1,234 rows)" in lines
    assert "written    out/t.duckdb old.films (1,234 rows)" in lines
    assert sum(line.startswith("published  o.csv ") for line in lines) == 1
    assert list(run.to_dict()["tables"]) == [
        {"step": t.step, "where": t.where, "table": t.table, "rows": t.rows} for t in run.tables
    ]
    assert "tables" not in summarize_run(directory).summary()
    page = run_page(directory)
    assert page.count('Written into <bdi class="mono">out/t.duckdb</bdi>') == 2
    assert '<bdi class="mono">old.films</bdi>' in page


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(),
    "a pipe": _pipe,
    "text": lambda path: path.write_text("{"),
    "a list": lambda path: path.write_text("[1]"),
    "deep": lambda path: path.write_text("[" * 100_000),
    "other types": lambda path: path.write_text(
        json.dumps({"config": {"table": 7, "path": []}, "connection": "x"})
    ),
}


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_config_costs_its_table_alone(directory: Path, how: str) -> None:
    DAMAGES[how](directory / "cfg/plain.json")
    assert [written.step for written in read_run(directory).tables] == ["in-schema"]

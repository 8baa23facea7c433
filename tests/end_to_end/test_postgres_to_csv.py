"""PostgreSQL to CSV as a user runs it: here, in ranges, in a sandbox, and when it goes wrong."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import osiris
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.local_adapter import LocalAdapter
from osiris.core.run import RunResult, run_compiled
from osiris.parity.compare import compare_directories
from osiris.remote.e2b_adapter import e2b_adapter
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.e2b_server.server import running_server
from tests.e2b_server.templates import with_this_python
from tests.support.debian import ensure_programs
from tests.support.pipelines import Evidence
from tests.support.postgres import PostgresDatabase

PASSWORD_VARIABLE = "E2E_PASSWORD"
TABLE = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE t AS SELECT
    i AS id, 'Ærø, "' || i || '"' AS name, (i * 1.1)::numeric(12, 2) AS amount,
    TIMESTAMPTZ '2024-03-31 00:30:00+00' + i * INTERVAL '1 minute' AS at,
    CASE WHEN i % 4 > 0 THEN i END AS quantity, i % 2 = 0 AS active,
    CASE WHEN i % 3 > 0 THEN 'ok' ELSE 'sad' END::mood AS mood, ARRAY[i, NULL] AS pair,
    CASE WHEN i = 7 THEN 'infinity' ELSE DATE '2024-01-01' + i END AS day,
    INTERVAL '1 month' * i AS span, uuid_in(md5(i::text)::cstring) AS uuid, '' AS nothing
FROM generate_series(1, 3000) AS i
"""


class Project:
    """A directory with a pipeline that copies a table into a file, and its connection."""

    def __init__(self, root: Path, pg: PostgresDatabase, **read: Any) -> None:
        self.root = root
        self.env = {PASSWORD_VARIABLE: pg.server.login.password}
        fields = {**pg.connection(), "password": f"${{{PASSWORD_VARIABLE}}}"}
        connections = {"connections": {"postgres": {"here": fields}}}
        (root / "osiris_connections.yaml").write_text(json.dumps(connections))
        source = {"connection": "@postgres.here", **read}
        steps = [
            {"id": "r", "component": "postgres.extractor", "mode": "read", "config": source},
            {
                "id": "w",
                "component": "filesystem.csv_writer",
                "mode": "write",
                "config": {"path": "output/t.csv"},
            },
        ]
        self.pipeline = root / "pipeline.yaml"
        document = {"oml_version": "0.1.0", "name": "copy", "steps": steps}
        self.pipeline.write_text(json.dumps(document))

    def run(self, adapter: ExecutionAdapter | None = None) -> RunResult:
        compiled = osiris.compile_pipeline(self.pipeline, project=self.root, write=False).compiled
        place = adapter or LocalAdapter()
        return run_compiled(compiled, place, project=self.root, env=self.env)

    @property
    def output(self) -> bytes:
        return (self.root / "output" / "t.csv").read_bytes()


@pytest.fixture
def table(pg: PostgresDatabase) -> PostgresDatabase:
    pg.execute(TABLE)
    return pg


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[ExecutionAdapter]:
    """A sandbox on this machine, and one of a loopback E2B server."""
    if request.param == "bubblewrap":
        ensure_programs({"bwrap": "bubblewrap"})
        yield sandbox_adapter()
        return
    with running_server() as server:
        server.add_template("ready", with_this_python())
        yield e2b_adapter(server.environment(), template="ready")


@pytest.mark.parametrize(
    "sandbox, partition",
    [("bubblewrap", None), ("e2b", {"column": "id", "parts": 3})],
    indirect=["sandbox"],
    ids=["bubblewrap", "e2b"],
)
def test_here_and_in_a_sandbox_it_is_the_same(
    table: PostgresDatabase,
    tmp_path: Path,
    sandbox: ExecutionAdapter,
    partition: dict[str, Any] | None,
) -> None:
    project = Project(tmp_path, table, table="t", partition=partition)
    here = project.run()
    assert here.exit_code == 0
    written = project.output
    there = project.run(sandbox)
    assert there.exit_code == 0
    assert project.output == written
    comparison = compare_directories(here.layout.root, there.layout.root)
    assert comparison.same, [d for row in comparison.aspects for d in row.differences]
    for result in (here, there):
        told = Evidence(result).events("data_warning")
        assert [(event["code"], event["count"]) for event in told] == [
            ("postgres.infinite_dates", 1)
        ]
        assert table.server.login.password not in result.layout.events.read_text()


def test_the_file_is_what_psql_would_write(table: PostgresDatabase, tmp_path: Path) -> None:
    """As far as the two agree on how a value is written."""
    columns = ["id", "name", "amount", "quantity", "mood", "uuid", "nothing"]
    project = Project(tmp_path, table, table="t", columns=columns)
    assert project.run().exit_code == 0
    expected = [
        tuple("" if value is None else str(value) for value in row)
        for row in table.execute(f"SELECT {', '.join(columns)} FROM t")
    ]
    head, *rows = csv.reader(project.output.decode().splitlines())
    assert head == columns
    assert list(map(tuple, rows)) == expected


def test_every_type_has_a_text(table: PostgresDatabase, tmp_path: Path) -> None:
    assert Project(tmp_path, table, query="SELECT * FROM t WHERE id = 7").run().exit_code == 0
    (row,) = csv.DictReader((tmp_path / "output" / "t.csv").read_text().splitlines())
    assert row == {
        "id": "7",
        "name": 'Ærø, "7"',
        "amount": "7.70",
        "at": "2024-03-31 00:37:00.000000Z",
        "quantity": "7",
        "active": "false",
        "mood": "ok",
        "pair": "[7,null]",
        "day": "",
        "span": "P7M0DT0S",
        "uuid": "8f14e45f-ceea-167a-5a36-dedd4bea2543",
        "nothing": "",
    }


def test_a_failure_leaves_no_file(table: PostgresDatabase, tmp_path: Path) -> None:
    project = Project(tmp_path, table, query="SELECT 1 / (3000 - id) AS x FROM t")
    result = project.run()
    assert result.exit_code == 1
    assert not (tmp_path / "output").exists()
    evidence = Evidence(result)
    assert (evidence.state("r"), evidence.state("w")) == ("failed", "skipped")
    (failed,) = evidence.events("step_failed")
    assert failed["error"]["code"] == "data.invalid"
    assert "division by zero" in failed["error"]["message"]


def test_a_query_that_changes_something_is_refused_before_it_runs(
    table: PostgresDatabase, tmp_path: Path
) -> None:
    project = Project(tmp_path, table, query="DELETE FROM t RETURNING id")
    with pytest.raises(osiris.OsirisError) as caught:
        project.run()
    assert caught.value.exit_code == 3
    assert table.execute("SELECT count(*) FROM t") == [(3000,)]

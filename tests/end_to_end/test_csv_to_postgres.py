"""CSV into PostgreSQL and Supabase as a user runs it: here, in a sandbox, tried again, killed."""

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import osiris
from osiris.core.events import StepRetry
from osiris.core.records import Emit
from osiris.core.run import RunResult, run_compiled
from osiris.core.run_options import RunOptions
from osiris.remote.e2b_options import E2BAccount, E2BOptions
from osiris.remote.e2b_sandbox import E2BSandboxProvider
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from tests.cli.program import Osiris
from tests.e2b_server.server import running_server
from tests.e2b_server.templates import with_this_python
from tests.support.debian import ensure_programs
from tests.support.postgres import PostgresDatabase
from tests.support.postgrest_server import Fault, PostgrestServer
from tests.support.waiting import wait_for

ROWS = 5000
UPSERT = {"write_mode": "upsert", "primary_key": ["id"]}
REPLACE = {"write_mode": "replace"}
BLOCKED = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
COLUMNS = {"id": "integer", "name": "string", "amount": "decimal(12,2)", "at": "timestamp"}
MADE = (
    "CREATE TABLE t (id int PRIMARY KEY, name text, amount numeric(12,2), at timestamp);"
    "INSERT INTO t VALUES (0, 'old')"
)


@dataclass(frozen=True)
class Project:
    """A directory with a CSV file and connections to one database, by every way there is."""

    root: Path
    database: PostgresDatabase
    rest: PostgrestServer
    env: dict[str, str]

    def pipeline(self, component: str, connection: str, **write: Any) -> Path:
        """Write the pipeline that copies the file into the table `t`."""
        read = {"path": "rows.csv", "columns": COLUMNS}
        to = {"connection": connection, "table": "t", **write}
        retry = {"attempts": 3, "delay": 0.1}
        steps = [
            {"id": "r", "component": "filesystem.csv_extractor", "mode": "read", "config": read},
            {"id": "w", "component": component, "mode": "write", "config": to, "retry": retry},
        ]
        path = self.root / "pipeline.yaml"
        path.write_text(json.dumps({"oml_version": "0.1.0", "name": "copy", "steps": steps}))
        return path

    def run(self, path: Path, adapter: str = "local", observer: Emit | None = None) -> RunResult:
        return osiris.run_pipeline(
            path, project=self.root, env=self.env, adapter=adapter, observer=observer
        )

    def rows(self) -> list[tuple[Any, ...]]:
        return self.database.execute("SELECT * FROM t ORDER BY id")


@pytest.fixture
def project(tmp_path: Path, pg: PostgresDatabase) -> Iterator[Project]:
    lines = [f'{n},"ž{n}",{n}.50,2024-01-01 00:00:00.{n:06}' for n in range(1, ROWS + 1)]
    (tmp_path / "rows.csv").write_text("\n".join([",".join(COLUMNS), *lines, ""]))
    (tmp_path / "osiris.yaml").write_text("name: e2e\n")
    fields = {**pg.connection(), "password": "${PG_PASSWORD}"}
    with PostgrestServer(pg) as rest:
        connections = {
            "postgres": {"here": fields},
            "supabase": {
                "here": fields,  # TLS without being told
                "rest": {"url": rest.url, "key": "${SERVICE_KEY}"},
            },
        }
        text = json.dumps({"connections": connections})
        (tmp_path / "osiris_connections.yaml").write_text(text)
        env = {
            "PG_PASSWORD": str(pg.connection()["password"]),
            "SERVICE_KEY": str(rest.connection["key"]),
        }
        yield Project(tmp_path, pg, rest, env)


@pytest.mark.parametrize(
    "component,connection,write",
    [
        ("postgres.writer", "@postgres.here", {"write_mode": "replace"}),
        ("supabase.writer", "@supabase.here", UPSERT),
        ("supabase.writer", "@supabase.rest", UPSERT),
    ],
)
def test_a_sandbox_makes_no_difference(
    component: str, connection: str, write: dict[str, Any], project: Project
) -> None:
    ensure_programs({"bwrap": "bubblewrap"})
    path = project.pipeline(component, connection, **write)
    found = []
    for place in ("local", "sandbox"):
        project.database.execute(f"DROP TABLE IF EXISTS t; {MADE}")
        result = project.run(path, place)
        assert result.exit_code == 0, result.status.error
        found.append((result, project.rows()))
    (here, rows), (there, same) = found
    assert rows == same
    assert rows[-1][0] == ROWS
    assert len(rows) == ROWS + (write["write_mode"] == "upsert")
    comparison = osiris.compare_runs(here.layout.root, there.layout.root)
    assert comparison.same, [d for row in comparison.aspects for d in row.differences]
    for run in (here, there):
        for file in run.layout.root.rglob("*"):
            assert (
                not file.is_file() or project.env["SERVICE_KEY"].encode() not in file.read_bytes()
            )


def test_e2b_makes_no_difference(project: Project) -> None:
    path = project.pipeline("postgres.writer", "@postgres.here", write_mode="replace")
    project.database.execute(MADE)
    here = project.run(path)
    rows = project.rows()
    project.database.execute(f"DROP TABLE t; {MADE}")
    with running_server() as server:
        server.add_template("ready", with_this_python())
        env = server.environment()
        provider = E2BSandboxProvider(
            E2BAccount.from_environment(env), E2BOptions(template="ready", backoff=(0.01, 0.01))
        )
        there = run_compiled(
            osiris.compile_pipeline(path).compiled,
            E2BTransparentProxy(provider),
            project=project.root,
            env={**os.environ, **project.env, **env},
            options=RunOptions(),
        )
    assert there.exit_code == 0, there.status.error
    assert project.rows() == rows
    comparison = osiris.compare_runs(here.layout.root, there.layout.root)
    assert comparison.same, [d for row in comparison.aspects for d in row.differences]


@pytest.mark.parametrize("write", [{}, {"write_mode": "replace"}, UPSERT])
def test_a_step_that_is_tried_again_does_not_double(
    write: dict[str, Any], project: Project
) -> None:
    project.database.execute(MADE)
    path = project.pipeline("postgres.writer", "@postgres.here", lock_timeout=0.3, **write)
    retries: list[StepRetry] = []
    with project.database.admin() as other:
        other.execute("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE")

        def release(record: object) -> None:
            if isinstance(record, StepRetry):
                retries.append(record)
                other.execute("ROLLBACK")

        result = project.run(path, observer=release)
    assert result.exit_code == 0, result.status.error
    assert [r.error["code"] for r in retries] == ["step.transient"]
    assert len(project.rows()) == ROWS + (write.get("write_mode") != "replace")


def test_a_value_that_does_not_fit_is_told(project: Project) -> None:
    project.database.execute("CREATE TABLE t (id smallint, name varchar(4), amount int, at date)")
    result = project.run(project.pipeline("postgres.writer", "@postgres.here"))
    assert result.exit_code == 1
    error = json.loads(result.layout.status.read_text())["steps"]["w"]["error"]
    assert error["kind"] == "data"
    assert "column 'at'" in error["message"]
    assert "date" in error["message"]
    assert project.rows() == []


@pytest.mark.parametrize("family", ["postgres", "supabase"])
@pytest.mark.parametrize("write", [{}, REPLACE, UPSERT])
def test_a_run_that_is_killed_leaves_the_table_as_it_was(
    write: dict[str, Any], family: str, project: Project
) -> None:
    project.database.execute(MADE)
    path = project.pipeline(f"{family}.writer", f"@{family}.here", **write)
    program = Osiris(project.root, project.env)
    with project.database.admin() as other:
        # The writer stops in the middle of its rows, at one that may come to be there.
        other.execute(f"BEGIN; INSERT INTO t VALUES ({ROWS // 2})")
        process = program.start("run", str(path))
        wait_for(lambda: process.poll() is not None or bool(project.database.execute(BLOCKED)))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        other.execute("ROLLBACK")
    assert process.returncode == -signal.SIGKILL
    mine = "SELECT 1 FROM pg_stat_activity WHERE usename = 'osiris'"
    wait_for(lambda: not project.database.execute(mine))
    assert project.rows() == [(0, "old", None, None)]
    (listed,) = program("logs", "list", "--json").document["runs"]
    assert listed["state"] == "crashed"
    assert project.run(path).exit_code == 0
    assert len(project.rows()) == ROWS + (write != REPLACE)


def test_a_run_over_rest_that_is_killed_is_brought_to_its_end_by_the_next(
    project: Project,
) -> None:
    """An upsert goes in several requests; the second is written and never answered."""
    project.database.execute(MADE)
    path = project.pipeline("supabase.writer", "@supabase.rest", batch_size=2000, **UPSERT)
    project.rest.faults.extend([None, Fault(None, committed=True)])
    process = Osiris(project.root, project.env).start("run", str(path))
    wait_for(lambda: process.poll() is not None or len(project.rows()) == 4001)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert project.run(path).exit_code == 0
    assert [row[0] for row in project.rows()] == list(range(ROWS + 1))

"""The main job when something is wrong: the error, the exit code, the records, other branches."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from osiris.core.run import RunResult
from tests.conftest import Database
from tests.end_to_end.mysql_project import MySQLProject
from tests.support.mariadb import MariaDBServer
from tests.support.mysql import make_database, private_server

CANARY = "canary-4711-wrong"


@pytest.fixture
def project(tmp_path: Path, database: Database) -> MySQLProject:
    database.script("CREATE TABLE good (a INT); INSERT INTO good VALUES (1), (2), (3)")
    return MySQLProject.create(tmp_path, database)


def failure(result: RunResult, step: str = "read-x") -> dict[str, Any]:
    status = json.loads(result.layout.status.read_text())
    assert status["state"] == "failed"
    assert status["exit_code"] == result.exit_code
    error: dict[str, Any] = status["steps"][step]["error"]
    assert error["message"]
    return error


def nothing_half_done(project: MySQLProject, *names: str) -> None:
    for name in names:
        assert not project.output(name).exists()
    assert not list(project.root.rglob("*.part"))


@pytest.mark.parametrize(
    "changes,kind,word",
    [
        ({"port": 1}, "transient", "refused"),
        ({"database": "no_such_db"}, "config", "no_such_db"),
        ({"host": "no-such-host.invalid"}, "transient", "no-such-host.invalid"),
    ],
)
def test_a_server_that_cannot_be_used(
    tmp_path: Path, database: Database, changes: dict[str, Any], kind: str, word: str
) -> None:
    project = MySQLProject.create(tmp_path, database, changes)
    result = project.run(("x", {"table": "good"}))
    assert result.exit_code == 1
    error = failure(result)
    assert word in error["message"]
    assert error["hint"]
    if word != "no-such-host.invalid":
        assert error["kind"] == kind
    nothing_half_done(project, "x")


def test_a_wrong_password_is_told_and_not_shown(project: MySQLProject) -> None:
    result = project.run(("x", {"table": "good"}), password=CANARY)
    assert result.exit_code == 1
    assert failure(result)["kind"] == "config"
    for path in project.root.rglob("*"):
        assert not path.is_file() or CANARY.encode() not in path.read_bytes()


def test_an_unknown_column_leaves_the_other_branch_whole(project: MySQLProject) -> None:
    result = project.run(
        ("x", {"query": "SELECT no_such_column FROM good"}), ("good", {"table": "good"})
    )
    assert result.exit_code == 1
    assert "no_such_column" in failure(result)["message"]
    assert project.output("good").read_text() == '"a"\n1\n2\n3\n'
    nothing_half_done(project, "x")
    states = {step: s.state for step, s in result.status.steps.items()}
    assert states == {
        "read-x": "failed",
        "write-x": "skipped",
        "read-good": "completed",
        "write-good": "completed",
    }


def test_an_error_in_the_middle_of_a_result(project: MySQLProject) -> None:
    """The server finds out about the last row when thousands have been sent."""
    query = "SELECT seq, IF(seq < 50000, 1, (SELECT a FROM good)) AS x FROM seq_1_to_50000"
    result = project.run(("x", {"query": query}))
    assert result.exit_code == 1
    assert "more than 1 row" in failure(result)["message"]
    nothing_half_done(project, "x")


def test_an_output_that_cannot_be_written_is_found_before_anything_runs(
    project: MySQLProject,
) -> None:
    (project.root / "output").write_text("a file where a directory should be")
    result = project.run(("x", {"table": "good"}))
    assert result.exit_code == 4
    assert not list(result.layout.artifacts.glob("*"))
    assert "not a directory" in str(result.status.error)


def test_what_was_published_before_is_there_until_the_new_file_is(project: MySQLProject) -> None:
    assert project.run(("x", {"table": "good"})).ok
    before = project.output("x").read_bytes()
    assert project.run(("x", {"query": "SELECT missing FROM good"})).exit_code == 1
    assert project.output("x").read_bytes() == before


def test_a_server_killed_under_way_is_a_transient_error(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with private_server()(tmp_path_factory.mktemp("own")) as server:
        query = "SELECT seq, repeat('x', 500) AS t FROM seq_1_to_100000000"
        make_database(server, "d", query)
        project = MySQLProject.create(tmp_path, Database(server, "d"))
        killer = threading.Thread(target=_kill_once_it_flows, args=(project, server))
        killer.start()
        result = project.run(("x", {"query": query}))
        killer.join()
    assert result.exit_code == 1
    error = failure(result)
    assert error["kind"] == "transient"
    nothing_half_done(project, "x")


def _kill_once_it_flows(project: MySQLProject, server: MariaDBServer) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        parts = list(project.root.glob("logs/run_*/artifacts/write-x/x.csv.part"))
        if parts and parts[0].stat().st_size > 1_000_000:
            break
        time.sleep(0.02)
    server.kill()

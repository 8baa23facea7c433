"""MySQL to MySQL as a user runs it: here, in a sandbox, again, and killed under way."""

import json
import signal
from pathlib import Path
from typing import Any

import pymysql
import pytest

import osiris
from osiris.core.events import StepRetry
from osiris.core.run import RunResult
from osiris.report.read_run import read_run
from osiris.report.run_record import WrittenTable
from tests.cli.program import Osiris
from tests.conftest import Database
from tests.end_to_end.mysql_project import PASSWORD_VARIABLE, MySQLProject
from tests.support.debian import ensure_programs
from tests.support.mariadb import MariaDBServer
from tests.support.mysql_faults import until

MODES = pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
ENDLESS = "SELECT seq AS id, REPEAT('x', 100) AS v FROM seq_100_to_100000000"


def pipeline(project: MySQLProject, read: dict[str, Any], write: dict[str, Any]) -> Path:
    """Write a pipeline that copies into the table `t`."""
    path = project.pipeline([])
    connection = {"connection": "@mysql.here"}
    steps = [
        {
            "id": "read",
            "component": "mysql.extractor",
            "mode": "read",
            "config": {**connection, **read},
        },
        {
            "id": "write",
            "component": "mysql.writer",
            "mode": "write",
            "config": {**connection, "table": "t", **write},
        },
    ]
    path.write_text(json.dumps({"oml_version": "0.1.0", "name": "copy", "steps": steps}))
    return path


def options(mode: str) -> dict[str, Any]:
    return {"write_mode": mode, **({"primary_key": ["id"]} if mode == "upsert" else {})}


def run(project: MySQLProject, path: Path, adapter: str = "local") -> RunResult:
    env = {PASSWORD_VARIABLE: project.password}
    return osiris.run_pipeline(path, project=project.root, env=env, adapter=adapter)


@pytest.fixture
def project(tmp_path: Path, database: Database) -> MySQLProject:
    database.script(
        "CREATE TABLE source (id INT PRIMARY KEY, v VARCHAR(200), at DATETIME(6), b BLOB);"
        "INSERT INTO source SELECT seq, IF(seq % 7, CONCAT('é', seq), NULL),"
        " TIMESTAMP '2024-01-01 00:00:00' + INTERVAL seq * 1.000001 SECOND, UNHEX(HEX(seq))"
        " FROM seq_1_to_20000"
    )
    return MySQLProject.create(tmp_path, database)


@pytest.mark.parametrize("mode", ["replace", "upsert"])
def test_a_sandbox_makes_no_difference(project: MySQLProject, mode: str) -> None:
    """The same rows, the same events, metrics and status, wherever the steps run."""
    ensure_programs({"bwrap": "bubblewrap"})
    read = {"table": "source", "partition": {"column": "id", "parts": 3}}
    path = pipeline(project, read, {**options(mode), "create_if_missing": True})
    database = project.database
    whole = database.execute("SELECT * FROM source ORDER BY id")
    results = []
    for place in ("local", "sandbox"):
        database.execute("DROP TABLE IF EXISTS t")
        result = run(project, path, place)
        assert result.exit_code == 0, result.status.error
        assert database.execute("SELECT * FROM t ORDER BY id") == whole
        results.append(result)
        (written,) = read_run(result.layout.root).tables
        assert written == WrittenTable("write", "@mysql.here", "t", len(whole))
    here, there = results
    comparison = osiris.compare_runs(here.layout.root, there.layout.root)
    assert comparison.same, [d for row in comparison.aspects for d in row.differences]


@MODES
def test_the_same_run_again(project: MySQLProject, mode: str) -> None:
    path = pipeline(project, {"table": "source"}, {**options(mode), "create_if_missing": True})
    for _ in range(2):
        assert run(project, path).exit_code == 0
    ((rows,),) = project.database.execute("SELECT COUNT(*) FROM t")
    assert rows == (40_000 if mode == "append" else 20_000)


def test_a_table_that_replaces_itself(project: MySQLProject) -> None:
    """The reader's transaction holds the table's name until all rows are read."""
    query = "SELECT id, v, at, b FROM source WHERE id > 10000"
    path = pipeline(project, {"query": query}, {"table": "source", "write_mode": "replace"})
    result = run(project, path)
    assert result.exit_code == 0, result.status.error
    found = project.database.execute("SELECT COUNT(*), MIN(id) FROM source")
    assert found == [(10_000, 10_001)]


def test_a_row_that_does_not_fit_is_told(project: MySQLProject) -> None:
    project.database.execute("CREATE TABLE t (id SMALLINT, v TEXT)")
    query = "SELECT seq AS id, NULL AS v FROM seq_32760_to_32770"
    result = run(project, pipeline(project, {"query": query}, {}))
    assert result.exit_code == 1
    status = json.loads(result.layout.status.read_text())
    error = status["steps"]["write"]["error"]
    assert error["kind"] == "data"
    assert "'id'" in error["message"]
    assert "row 9" in error["message"]
    assert project.database.execute("SELECT COUNT(*) FROM t") == [(0,)]


def _written(server: MariaDBServer) -> int:
    """The rows that transactions in progress have written."""
    ((rows,),) = server.execute(
        "SELECT COALESCE(SUM(trx_rows_modified), 0) FROM information_schema.innodb_trx"
    )
    return int(rows)


def _connections(server: MariaDBServer) -> int:
    ((count,),) = server.execute(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'osiris'"
    )
    return int(count)


@pytest.mark.parametrize("mode", ["append", "replace", "upsert", "made"])
def test_a_run_that_is_killed_leaves_the_table_as_it_was(
    tmp_path: Path, database: Database, mode: str
) -> None:
    """SIGKILL in the middle; what is left beside the table goes with the next run."""
    project = MySQLProject.create(tmp_path, database)
    made = {"create_if_missing": True} if mode == "made" else options(mode)
    before = [] if mode == "made" else [(1, "old"), (2, "old")]
    if mode != "made":
        database.script(
            "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200));"
            "INSERT INTO t VALUES (1, 'old'), (2, 'old')"
        )
    path = pipeline(project, {"query": ENDLESS}, {**made, "batch_size": 5000})
    program = Osiris(project.root, {PASSWORD_VARIABLE: project.password})
    process = program.start("run", str(path))
    until(
        lambda: process.poll() is not None or _written(database.server) > 20_000,
        "the run writes nothing",
    )
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    until(lambda: _connections(database.server) == 0, "the server keeps the connection")
    tables = set(database.tables())
    if mode == "made":
        assert "t" not in tables
    else:
        assert database.execute("SELECT * FROM t ORDER BY id") == before
    (listed,) = program("logs", "list", "--json").document["runs"]
    assert listed["state"] == "crashed"
    again = pipeline(project, {"query": "SELECT 7 AS id, 'new' AS v"}, made)
    assert run(project, again).exit_code == 0
    kept = [] if mode == "replace" else before
    assert database.execute("SELECT * FROM t ORDER BY id") == [*kept, (7, "new")]
    assert database.tables() == ["t"]


def test_a_writer_that_waits_too_long_is_tried_again(project: MySQLProject) -> None:
    """The next try starts from a clean transaction: no row is there twice."""
    database = project.database
    database.execute("CREATE TABLE t LIKE source")
    path = pipeline(project, {"table": "source"}, {"batch_size": 1000, "lock_timeout": 1})
    document = json.loads(path.read_text())
    document["steps"][1]["retry"] = {"attempts": 5, "delay": 0.1}
    path.write_text(json.dumps(document))
    connection = pymysql.connect(
        unix_socket=database.server.socket, user="root", database=database.name
    )
    retries: list[StepRetry] = []

    def release(record: object) -> None:
        if isinstance(record, StepRetry):
            retries.append(record)
            connection.rollback()

    with connection, connection.cursor() as other:
        other.execute("INSERT INTO t (id) VALUES (15000)")
        env = {PASSWORD_VARIABLE: project.password}
        result = osiris.run_pipeline(path, project=project.root, env=env, observer=release)
    assert result.exit_code == 0, result.status.error
    assert len(retries) == 1
    assert "lock" in retries[0].error["message"]
    assert database.execute("SELECT COUNT(*) FROM t") == [(20_000,)]

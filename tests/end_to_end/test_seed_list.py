"""The founding document's list of what a run in E2B lacked, item by item, on its own example.

Ten steps (five tables of MySQL into five CSV files) over the official SDK and the loopback server,
beside the same run here.
"""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from osiris.core.local_adapter import LocalAdapter
from osiris.core.run import RunResult
from osiris.parity.compare import compare_directories
from osiris.remote.e2b_adapter import e2b_adapter
from tests.conftest import Database
from tests.e2b_server.server import E2BServer, running_server
from tests.e2b_server.templates import with_this_python
from tests.remote.examples import example
from tests.support.mariadb import MariaDBServer

TABLES = ("actors", "directors", "movie-actors", "movies", "reviews")
READ = [f"extract-{table}" for table in TABLES]
WRITE = [f"write-{table}-csv" for table in TABLES]
STEPS = {*READ, *WRITE}


@dataclass
class Pair:
    """The same run here and in E2B; `asked` is what the second asked of the server."""

    here: RunResult
    there: RunResult
    server: E2BServer
    password: str

    @property
    def root(self) -> Path:
        """The directory of the run in E2B."""
        return self.there.layout.root

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The records of a file of the run in E2B."""
        return [json.loads(line) for line in (self.root / name).read_text().splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Its events of a name."""
        return [event for event in self.lines("events.jsonl") if event["event"] == name]

    def of_steps(self, name: str) -> set[str]:
        """The steps that tell an event of a name."""
        return {event["step_id"] for event in self.events(name)}

    def metrics(self, name: str) -> dict[str, float]:
        """A metric, by the step that it is of."""
        found = [line for line in self.lines("metrics.jsonl") if line["metric"] == name]
        assert len(found) == len({line["tags"]["step"] for line in found})
        return {line["tags"]["step"]: line["value"] for line in found}


def both(mariadb: MariaDBServer, place: Path, *, failing: bool) -> Iterator[Pair]:
    name = f"seed_{failing}".lower()
    mariadb.execute(f"CREATE DATABASE {name}")
    one = example("movies", place, lambda: Database(mariadb, name))
    if failing:
        one.steps[0]["config"]["table"] = "there_is_none"
    with running_server() as server:
        server.add_template("ready", with_this_python())
        here = one.run(LocalAdapter())
        there = one.run(e2b_adapter(server.environment(), template="ready"))
        yield Pair(here, there, server, one.env["MYSQL_PASSWORD"])
    mariadb.execute(f"DROP DATABASE {name}")


@pytest.fixture(scope="module")
def pair(mariadb: MariaDBServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A run that goes well."""
    yield from both(mariadb, tmp_path_factory.mktemp("well"), failing=False)


@pytest.fixture(scope="module")
def ill(mariadb: MariaDBServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A run whose first step fails: its table is not there."""
    yield from both(mariadb, tmp_path_factory.mktemp("ill"), failing=True)


# --- config handling ---


def test_each_exec_step_command_has_its_whole_config(pair: Pair) -> None:
    commands = [line for line in pair.lines("commands.jsonl") if line["cmd"] == "exec_step"]
    assert [command["step_id"] for command in commands] == [
        step for both in zip(READ, WRITE, strict=True) for step in both
    ]
    for command in commands:
        cfg = json.loads((pair.root / "cfg" / f"{command['step_id']}.json").read_text())
        assert command["config"] == cfg
    assert commands[0]["config"]["config"]["table"] == "actors"


def test_the_manifest_and_the_configs_are_copied(pair: Pair) -> None:
    here = pair.here.layout.root
    for name in ("manifest.yaml", *(f"cfg/{step}.json" for step in STEPS)):
        assert (pair.root / name).read_bytes() == (here / name).read_bytes()
    assert len(list((pair.root / "cfg").iterdir())) == 10


def test_a_config_event_is_told_for_each_file(pair: Pair) -> None:
    told = {event["path"] for event in pair.events("cfg_materialized")}
    assert told == {f"cfg/{step}.json" for step in STEPS}


# --- event flow ---


def test_all_step_events_are_on_the_host(pair: Pair) -> None:
    for name in ("step_start", "cfg_opened", "inputs_resolved", "artifact_created"):
        assert pair.of_steps(name) == STEPS
    assert pair.of_steps("step_complete") == STEPS
    assert len(pair.events("step_complete")) == 10
    here = (pair.here.layout.events).read_text().splitlines()
    there = [e for e in pair.lines("events.jsonl") if not e["event"].startswith("sandbox_")]
    assert len(there) == len(here) > 80


# --- metrics ---


def test_rows_read_and_rows_written_are_told_per_step(pair: Pair) -> None:
    read, written = pair.metrics("rows_read"), pair.metrics("rows_written")
    assert (set(read), set(written)) == (set(READ), set(WRITE))
    assert all(rows > 0 for rows in read.values())
    assert [read[step] for step in READ] == [written[step] for step in WRITE]


def test_each_step_has_its_duration(pair: Pair) -> None:
    durations = pair.metrics("step_duration_ms")
    assert set(durations) == STEPS
    assert all(value > 0 for value in durations.values())


# --- file structure ---


def test_the_runs_directory_holds_what_one_here_holds(pair: Pair) -> None:
    here = {path.name for path in pair.here.layout.root.iterdir()}
    assert {path.name for path in pair.root.iterdir()} == here | {"commands.jsonl"}


def test_all_artifacts_come_back(pair: Pair) -> None:
    def files(run: RunResult) -> dict[str, bytes]:
        artifacts = run.layout.root / "artifacts"
        return {
            str(path.relative_to(artifacts)): path.read_bytes()
            for path in artifacts.rglob("*")
            if path.is_file()
        }

    there = files(pair.there)
    assert {name.partition("/")[0] for name in there} == STEPS
    assert there == files(pair.here)


def test_status_json_is_written_when_all_is_well(pair: Pair) -> None:
    status = json.loads((pair.root / "status.json").read_text())
    assert (status["ok"], status["steps_completed"], status["exit_code"]) == (True, 10, 0)


def test_status_json_is_written_on_failure(ill: Pair) -> None:
    status = json.loads((ill.root / "status.json").read_text())
    assert (status["ok"], status["state"], status["exit_code"]) == (False, "failed", 1)
    assert status["error"]["step_id"] == READ[0]
    assert "there_is_none" in status["error"]["message"]
    assert status["steps"][READ[0]]["state"] == "failed"
    assert status["steps"][WRITE[0]]["state"] == "skipped"


# --- driver execution ---


def test_every_driver_is_registered_in_the_sandbox(pair: Pair) -> None:
    (told,) = pair.events("drivers_registered")
    assert set(told["drivers"]) == {"mysql.extractor", "filesystem.csv_writer"}


def test_the_connection_is_resolved_in_the_sandbox(pair: Pair) -> None:
    """And only there: what goes in has the variable's name, and what comes out has no secret."""
    assert pair.of_steps("connection_resolve_complete") == set(READ)
    (sandbox,) = pair.server.sandboxes()
    (journal,) = sandbox.box.root.rglob("journal.jsonl")
    assert journal.read_bytes().count(b'"connection_resolve_complete"') == 5
    for name in ("commands.jsonl", f"cfg/{READ[0]}.json"):
        text = (pair.root / name).read_text()
        assert "${MYSQL_PASSWORD}" in text
    kept = [path for root in (sandbox.box.root, pair.root) for path in root.rglob("*")]
    (bundle,) = [path for path in kept if path.name == "bundle.zip"]
    with zipfile.ZipFile(bundle) as brought:
        packed = b"".join(brought.read(name) for name in brought.namelist())
    assert b"${MYSQL_PASSWORD}" in packed
    for secret in {pair.password, json.dumps(pair.password)[1:-1], quote(pair.password)}:
        assert pair.server.log.places_of(secret) == []
        found = [p for p in kept if p.is_file() and secret.encode() in p.read_bytes()]
        assert found == []
        assert secret.encode() not in packed


# --- error handling ---


def test_what_does_not_need_the_failed_step_goes_on(ill: Pair) -> None:
    assert ill.of_steps("step_complete") == STEPS - {READ[0], WRITE[0]}
    assert ill.of_steps("step_skipped") == {WRITE[0]}
    assert {path.name for path in (ill.root / "artifacts").iterdir()} >= STEPS - {WRITE[0]}


def test_errors_are_visible_where_one_looks_for_them(ill: Pair) -> None:
    (failed,) = ill.events("step_failed")
    assert "there_is_none" in failed["error"]["message"]
    assert "there_is_none" in (ill.root / "osiris.log").read_text()
    debug = (ill.root / "debug.log").read_text()
    assert "there_is_none" in debug
    assert "Traceback (most recent call last)" in debug


# --- and at last ---


@pytest.mark.parametrize("which", ["pair", "ill"])
def test_the_comparison_table_has_no_cross(which: str, request: pytest.FixtureRequest) -> None:
    runs: Pair = request.getfixturevalue(which)
    comparison = compare_directories(runs.here.layout.root, runs.root)
    assert comparison.same, [d for row in comparison.aspects for d in row.differences]
    assert runs.there.exit_code == runs.here.exit_code


def test_ten_steps_take_few_requests(pair: Pair) -> None:
    assert len(pair.server.log.control_plane()) <= 6
    assert len(pair.server.log.find("POST", "/files")) <= 8
    assert not pair.server.living()


def test_the_sandbox_reaches_the_database_and_nothing_else(pair: Pair) -> None:
    (creation,) = pair.server.log.creations()
    network = creation.json()["network"]
    assert network["denyOut"] == ["0.0.0.0/0"]
    assert [one for one in network["allowOut"] if one != "localhost"] == ["127.0.0.1/32"]

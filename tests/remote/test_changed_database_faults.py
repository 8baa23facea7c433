"""What must leave a database as it was, or as others made it: kills, failures, others, lies."""

import copy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from osiris.core.cancel import CancelToken
from osiris.core.events import Event, StepStart
from osiris.core.records import Record as RunRecord
from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.limits import Limits
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.remote.database_runs import Databases, source, write
from tests.remote.lies import Lie, left
from tests.remote.run_ends import ADAPTERS, QUICK, kill_worker, once_started, running
from tests.remote.test_local_sandbox import wait_until
from tests.support.duckdb_file import held_by_another, run_sql
from tests.support.pipelines import Evidence
from tests.support.sandboxes import (
    FarProvider,
    FarSandbox,
    Record,
    Recording,
    RecordingSandbox,
    ReplayingSandbox,
)

pytestmark = pytest.mark.usefixtures("bubblewrap")
OLD_ROWS = [(1, "a"), (2, "b")]
REPLACE = {"write_mode": "replace"}
ONE = {"make": source(), "load": write("make", **REPLACE)}
SLOW = source(rows=100_000, batch_rows=1, delay=0.02)
TWO = {
    "make": source(),
    "load": write("make", **REPLACE),
    "slowly": SLOW,
    "stays": write("slowly", "load", table="other"),
}


@pytest.fixture
def databases(tmp_path: Path) -> Databases:
    return Databases(tmp_path / "project")


def when(kind: type[Event], step: str, action: Callable[[], object]) -> Callable[[RunRecord], None]:
    """Return an observer that does something when an event of a step is there."""

    def observe(record: RunRecord) -> None:
        if isinstance(record, kind) and getattr(record, "step_id", "") == step:
            action()

    return observe


def only_what_was_there(databases: Databases) -> None:
    assert [path.name for path in databases.project.glob("data/*")] == ["w.duckdb"]


def failed(evidence: Evidence, step: str, code: str) -> str:
    """Check that a step failed with a code and that nothing was replaced; return the message."""
    error: dict[str, Any] = evidence.status["steps"][step]["error"]
    assert (evidence.state(step), error["code"]) == ("failed", code), error
    assert not evidence.events("sandbox_target_replaced")
    assert not list(evidence.root.rglob("*.duckdb*"))
    return str(error["message"])


# --- others ---


@pytest.mark.parametrize("place", ["bubblewrap", "far"])
def test_what_another_program_wrote_meanwhile_stays(databases: Databases, place: str) -> None:
    def write_it() -> None:
        databases.sql("INSERT INTO t VALUES (3, 'from elsewhere')")

    evidence = databases.run(ADAPTERS[place](), ONE, observer=when(StepStart, "load", write_it))
    assert "was changed by something else" in failed(evidence, "load", "step.transient")
    assert evidence.result.exit_code == 1
    assert databases.sql("FROM t ORDER BY 1") == [*OLD_ROWS, (3, "from elsewhere")]
    only_what_was_there(databases)


def test_a_database_that_was_made_or_went_meanwhile_is_not_replaced(databases: Databases) -> None:
    new = databases.project / "data/new.duckdb"
    steps = {
        "make": source(),
        "load": write("make", **REPLACE),
        "more": write("make", path="data/new.duckdb", create_if_missing=True),
    }

    def change() -> None:
        databases.path.unlink()
        run_sql(new, "CREATE TABLE mine (i INT)")

    evidence = databases.run(sandbox_adapter(), steps, observer=when(StepStart, "load", change))
    for step in ("load", "more"):
        assert "changed by something else" in failed(evidence, step, "step.transient")
    assert run_sql(new, "SELECT table_name FROM duckdb_tables()") == [("mine",)]
    assert [path.name for path in databases.project.glob("data/*")] == ["new.duckdb"]


def test_a_program_that_opens_it_meanwhile_and_keeps_it_open(databases: Databases) -> None:
    before = databases.sha256
    steps = {"make": source(), "load": write("make", **REPLACE, lock_timeout=0.2)}
    with ExitStack() as other:

        def open_it() -> None:
            other.enter_context(held_by_another(databases.path))

        evidence = databases.run(
            sandbox_adapter(), steps, observer=when(StepStart, "load", open_it)
        )
    assert "another program has it open" in failed(evidence, "load", "step.transient")
    assert databases.sha256 == before
    only_what_was_there(databases)


def test_a_program_that_has_it_open_from_the_beginning(databases: Databases) -> None:
    before = databases.sha256
    steps = {"make": source(), "load": write("make", **REPLACE, lock_timeout=0.2)}
    with held_by_another(databases.path):
        evidence = databases.run(sandbox_adapter(), steps)
    refused(evidence, "another program has open")
    assert databases.sha256 == before
    assert databases.run(sandbox_adapter(), steps).result.ok


def test_waiting_for_another_program_ends_with_the_run(databases: Databases) -> None:
    cancel = CancelToken()
    timer = threading.Timer(0.5, cancel.cancel)
    with held_by_another(databases.path):
        timer.start()
        evidence = databases.run(sandbox_adapter(), ONE, cancel=cancel)
    assert evidence.result.exit_code == 130
    assert {evidence.state(step) for step in ONE} == {"skipped"}
    assert not evidence.events("step_start")


def refused(evidence: Evidence, why: str) -> None:
    assert evidence.result.exit_code == 4
    assert evidence.status["error"]["code"] == "environment.target_in_use"
    assert evidence.status["error"]["kind"] == "transient"
    assert why in evidence.status["error"]["message"]
    assert not evidence.events("step_start")
    assert len(evidence.events("sandbox_killed")) == 1


_DIES = """
import os, signal, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("INSERT INTO t VALUES (3, 'committed')")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_database_that_was_not_closed_is_not_copied(databases: Databases) -> None:
    """What was committed is in the file beside it, and two files cannot be replaced in one step."""
    subprocess.run([sys.executable, "-c", _DIES, str(databases.path)], check=False)
    log = databases.path.with_name("w.duckdb.wal")
    before = (databases.sha256, log.read_bytes())
    refused(databases.run(sandbox_adapter(), ONE), "w.duckdb.wal is beside it")
    assert (databases.sha256, log.read_bytes()) == before
    assert databases.sql("FROM t ORDER BY 1") == [*OLD_ROWS, (3, "committed")]
    assert databases.run(sandbox_adapter(), ONE).result.ok


# --- ends ---


def test_a_failed_step_leaves_every_byte(databases: Databases) -> None:
    before = databases.sha256
    steps = {
        "make": source(rows=3000, fault="data", fault_after=2000),
        "load": write("make", **REPLACE),
    }
    evidence = databases.run(sandbox_adapter(), steps)
    assert evidence.state("load") == "skipped"
    assert databases.sha256 == before
    only_what_was_there(databases)


@pytest.mark.parametrize("place", ["process", "far"])
def test_a_cancelled_run_keeps_what_its_complete_steps_did(
    databases: Databases, place: str
) -> None:
    """As a run here does."""
    cancel = CancelToken()
    evidence = databases.run(
        ADAPTERS[place](**QUICK),
        TWO,
        cancel=cancel,
        observer=when(StepStart, "stays", cancel.cancel),
    )
    assert evidence.result.exit_code == 130
    assert {step: evidence.state(step) for step in TWO} == {
        "make": "completed",
        "load": "completed",
        "slowly": "skipped",
        "stays": "skipped",
    }
    assert databases.sql("SELECT count(*) FROM t") == [(5,)]
    assert databases.sql("SELECT count(*) FROM other") == [(0,)]
    only_what_was_there(databases)


@pytest.mark.parametrize("place", ["bubblewrap", "far"])
def test_a_killed_worker_leaves_what_the_records_say(databases: Databases, place: str) -> None:
    evidence = databases.run(
        ADAPTERS[place](**QUICK),
        TWO,
        observer=once_started("stays", lambda: kill_worker(databases.project)),
    )
    assert evidence.result.exit_code == 5
    assert evidence.state("stays") == "failed"
    there = len(evidence.events("sandbox_target_replaced"))
    assert evidence.state("load") == ("completed" if there else "failed")
    assert databases.sql("SELECT count(*) FROM t") == [(5 if there else 2,)]
    assert databases.sql("SELECT count(*) FROM other") == [(0,)]
    only_what_was_there(databases)


def test_a_sandbox_that_is_gone_takes_what_its_steps_did_with_it(databases: Databases) -> None:
    before = databases.sha256
    provider = FarProvider()
    adapter = E2BTransparentProxy(provider, SandboxChoices(**{**QUICK, "patience": 2.0}))

    def kill() -> None:
        (sandbox,) = provider.made
        assert isinstance(sandbox, FarSandbox)
        sandbox.inner.kill()

    evidence = databases.run(adapter, TWO, observer=once_started("stays", kill))
    assert evidence.result.exit_code == 5
    failed(evidence, "load", "sandbox.gone")
    assert databases.sha256 == before
    only_what_was_there(databases)


_RUN = """
import sys
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.remote import test_changed_database_faults as faults
from tests.remote.database_runs import Databases
project = Databases.__new__(Databases)
project.project = Path(sys.argv[1])
project.run(sandbox_adapter(), faults.TWO)
"""


def test_a_killed_run_leaves_every_byte(databases: Databases) -> None:
    before = databases.sha256
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", _RUN, str(databases.project)]
    command += [str(root), str(root / "tests/sample_package")]
    with subprocess.Popen(command) as host:
        logs = databases.project / "logs"

        def complete() -> bool:
            texts = [path.read_text() for path in logs.glob("*/events.jsonl")]
            return any('"step_complete"' in text and '"stays"' in text for text in texts)

        wait_until(complete)
        host.send_signal(signal.SIGKILL)
    wait_until(lambda: running(databases.project) == [])
    assert databases.sha256 == before
    only_what_was_there(databases)


# --- lies ---


def about_copies(change: Callable[[list[dict[str, Any]]], object]) -> Lie:
    """Change what the runner tells of the copies."""

    def lie(record: Record) -> list[Record]:
        if record["type"] == "closed":
            record = copy.deepcopy(record)
            change(record["data"]["left"]["targets"])
        return [record]

    return lie


def beside(told: list[dict[str, Any]]) -> None:
    told.append({**told[0], "path": told[0]["path"] + ".wal"})


LIES: Mapping[str, Lie] = {
    "another digest": about_copies(lambda told: told[0].update(sha256="0" * 64)),
    "no digest": about_copies(lambda told: told[0].update(sha256="../../evil")),
    "another size": about_copies(lambda told: told[0].update(bytes=told[0]["bytes"] - 1)),
    "too large": about_copies(lambda told: told[0].update(bytes=10**18)),
    "less than nothing": about_copies(lambda told: told[0].update(bytes=-1)),
    "a text for a size": about_copies(lambda told: told[0].update(bytes="9")),
    "another path": about_copies(lambda told: told[0].update(path="../../etc/passwd")),
    "a log beside it": about_copies(beside),
    "none": about_copies(lambda told: told.clear()),
    "no list": left(targets=7),
    "no entries": left(targets=["artifacts", None, {"path": 7}]),
}


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Databases, Recording]:
    """A project, and a true run of the pipeline there that the lies are told of."""
    databases, recording = Databases(tmp_path_factory.mktemp("project")), Recording()
    provider = FarProvider(lambda inner: RecordingSandbox(inner, recording))
    assert databases.run(E2BTransparentProxy(provider), ONE).result.ok
    return databases, recording


@contextmanager
def unharmed(databases: Databases) -> Iterator[None]:
    databases.begin()
    before = databases.sha256
    yield
    assert databases.sha256 == before
    only_what_was_there(databases)


@pytest.mark.parametrize("name", LIES)
def test_a_copy_that_is_not_what_was_told_is_not_taken(
    replayed: tuple[Databases, Recording], name: str
) -> None:
    databases, recording = replayed
    provider = FarProvider(lambda inner: ReplayingSandbox(inner, recording, LIES[name]))
    with unharmed(databases):
        evidence = databases.run(E2BTransparentProxy(provider), ONE)
        failed(evidence, "load", "sandbox.hostile")
        assert evidence.result.exit_code == 5


def test_the_truth_is_believed(replayed: tuple[Databases, Recording]) -> None:
    databases, recording = replayed
    databases.begin()
    provider = FarProvider(lambda inner: ReplayingSandbox(inner, recording, lambda told: [told]))
    assert databases.run(E2BTransparentProxy(provider), ONE).result.ok
    assert databases.sql("SELECT count(*) FROM t") == [(5,)]


def test_a_database_that_is_too_large_is_not_taken(
    replayed: tuple[Databases, Recording],
) -> None:
    databases, recording = replayed
    provider = FarProvider(lambda inner: ReplayingSandbox(inner, recording, lambda told: [told]))
    choices = SandboxChoices(limits=Limits(file_bytes=10_000))
    with unharmed(databases):
        evidence = databases.run(E2BTransparentProxy(provider, choices), ONE)
        failed(evidence, "load", "sandbox.hostile")


def test_a_database_that_the_disk_has_no_room_for_is_not_taken(
    replayed: tuple[Databases, Recording],
) -> None:
    databases, recording = replayed
    huge = about_copies(lambda told: told[0].update(bytes=1 << 60))
    provider = FarProvider(lambda inner: ReplayingSandbox(inner, recording, huge))
    choices = SandboxChoices(limits=Limits(file_bytes=1 << 61, total_bytes=1 << 61))
    with unharmed(databases):
        evidence = databases.run(E2BTransparentProxy(provider, choices), ONE)
        assert "are free" in failed(evidence, "load", "step.disk_full")
        assert evidence.result.exit_code == 1


class Crooked(FarSandbox):
    """A sandbox that changes its copy once the worker has ended."""

    def read(self, path: str, offset: int, length: int) -> bytes:
        if ".targets" in path:
            Path(path).write_bytes(Path(path).read_bytes()[:-1] + b"!")
        return super().read(path, offset, length)


def test_a_copy_that_changes_on_its_way_is_not_taken(databases: Databases) -> None:
    with unharmed(databases):
        evidence = databases.run(E2BTransparentProxy(FarProvider(Crooked)), ONE)
        assert "not the file that" in failed(evidence, "load", "sandbox.hostile")

"""A worker that lies: whatever it says, nothing leaves the run's directory and no lie is kept."""

import copy
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from osiris.core.manifest import Retry
from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.limits import Limits
from tests.support.pipelines import Evidence, PipelineBuilder, run_with
from tests.support.sandboxes import FarProvider, FarSandbox, LyingSandbox, Record

Lie = Callable[[Record], list[Record]]
LIMITS = Limits()


def chain() -> PipelineBuilder:
    return PipelineBuilder().add("make", "source", rows=9).add("take", "sink", "make")


def run(
    tmp_path: Path, lie: Lie, builder: PipelineBuilder | None = None, limits: Limits = LIMITS
) -> Evidence:
    provider = FarProvider(lambda inner: LyingSandbox(inner, lie))
    adapter = E2BTransparentProxy(provider, SandboxChoices(limits=limits, patience=5.0))
    project = tmp_path / "a" / "b" / "project"
    project.mkdir(parents=True)
    before = {path for path in tmp_path.rglob("*") if "logs" not in path.parts}
    evidence = run_with(adapter, project, builder or chain())
    (sandbox,) = provider.made
    assert isinstance(sandbox, FarSandbox)
    assert sandbox.kills == 1
    assert {path for path in tmp_path.rglob("*") if "logs" not in path.parts} == before
    return evidence


def must_be_refused(evidence: Evidence) -> None:
    """The run failed for what the sandbox is, and its records are whole and agree."""
    assert evidence.status["error"]["code"] in {"sandbox.hostile", "sandbox.protocol_version"}
    assert evidence.result.exit_code == 5
    assert evidence.status["state"] == "failed"
    events = evidence.events()
    assert events[-1]["event"] == "run_complete"
    ends = {"step_complete", "step_failed", "step_skipped"}
    for step, status in evidence.status["steps"].items():
        mine = [e for e in events if e.get("step_id") == step and e["event"] in ends]
        assert len(mine) == 1
        assert status["state"] in {"completed", "failed", "skipped"}
    artifacts = evidence.root / "artifacts"
    for path in artifacts.rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or path.is_file()
    assert not list(evidence.root.rglob("*.part"))


def of_event(name: str, change: Callable[[dict[str, Any]], None]) -> Lie:
    """Change the data of every event of a name."""

    def lie(record: Record) -> list[Record]:
        record = copy.deepcopy(record)
        if record["data"].get("event") == name:
            change(record["data"])
        return [record]

    return lie


def after(name: str, *forged: Record, step: str = "take") -> Lie:
    """Put more records after the event of a name of a step."""

    def lie(record: Record) -> list[Record]:
        data = record["data"]
        hit = data.get("event") == name and data.get("step_id", step) == step
        return [record, *({**record, **one} for one in forged)] if hit else [record]

    return lie


def replace_all(data: dict[str, Any], **others: Any) -> None:
    data.clear()
    data.update(others)


def event(name: str, **data: Any) -> Record:
    return {"type": "event", "data": {"event": name, **data}}


def without(condition: Callable[[Record], bool]) -> Lie:
    return lambda record: [] if condition(record) else [record]


PATHS = [
    "../evil",
    "/tmp/evil",
    "artifacts/../../evil",
    "artifacts/take/../../../evil",
    "artifacts/take/./ids.txt",
    "artifacts//take/ids.txt",
    "artifacts/take/ids.txt/",
    "artifacts/nobody/ids.txt",
    "artifacts/make/ids.txt",
    "artifacts/take",
    "artifacts",
    "",
    ".",
    "status.json",
    "artifacts/take/a\x00b",
    "artifacts/take/a\nb",
    "artifacts\\take\\evil",
    "artifacts/take/\ud800",
    "artifacts/take/" + "n" * 300,
    "artifacts/take/" + "/".join(["deep"] * 400),
]


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_a_path_that_is_not_the_steps_is_refused(tmp_path: Path, path: str) -> None:
    def change(data: dict[str, Any]) -> None:
        if data["step_id"] == "take":
            data["path"] = path

    must_be_refused(run(tmp_path, of_event("artifact_created", change)))


@pytest.mark.parametrize(
    "change",
    [
        {"bytes": -1},
        {"bytes": 10**18},
        {"bytes": 17},
        {"bytes": "18"},
        {"sha256": "0" * 64},
        {"sha256": "../../evil"},
        {"sha256": None},
        {"rows": "many"},
    ],
    ids=str,
)
def test_a_lie_about_a_file_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    def lie(data: dict[str, Any]) -> None:
        if data["step_id"] == "take":
            data.update(change)

    evidence = run(tmp_path, of_event("artifact_created", lie))
    must_be_refused(evidence)
    assert not (evidence.root / "artifacts/take/ids.txt").exists()


FILE = {"step_id": "take", "bytes": 1, "sha256": "0" * 64, "rows": None}
FORGED: dict[str, Lie] = {
    "the run is complete": after(
        "step_start",
        event(
            "run_complete",
            state="completed",
            ok=True,
            exit_code=0,
            steps_completed=2,
            steps_failed=0,
            steps_skipped=0,
            total_rows=0,
        ),
    ),
    "a host's event of a step": after(
        "step_start",
        event(
            "artifact_published",
            artifact="x",
            path="y",
            how="link",
            **{k: FILE[k] for k in ("step_id", "bytes", "sha256")},
        ),
    ),
    "a transport event": after("step_start", event("sandbox_killed", sandbox="x", seconds=1.0)),
    "an event that nobody knows": after("step_start", event("surprise", x=1)),
    "an event without a name": after("step_start", {"type": "event", "data": {"x": 1}}),
    "a type that nobody knows": after("step_start", {"type": "surprise", "data": {}}),
    "a step that nobody knows": after(
        "step_start",
        event("step_retry", step_id="nobody", attempt=1, attempts=2, delay_seconds=0.0, error={}),
    ),
    "a second start": after(
        "step_start", event("step_start", step_id="take", component="x", mode="write")
    ),
    "a second end": after(
        "step_complete", event("step_failed", step_id="take", error={}, attempts=1)
    ),
    "something after the end": after(
        "step_complete", event("artifact_created", path="artifacts/take/more", **FILE)
    ),
    "a second engine": after(
        "session_initialized", event("session_initialized", steps_total=2, jobs=1)
    ),
    "a skip for no reason": after(
        "step_start",
        event("step_skipped", step_id="make", reason="lazy", because=None),
        step="make",
    ),
    "a name that differs in case": after(
        "artifact_created", event("artifact_created", path="artifacts/take/IDS.txt", **FILE)
    ),
    "a metric that nobody knows": after(
        "step_start", {"type": "metric", "data": {"metric": "luck", "value": 1, "tags": {}}}
    ),
    "a metric of the host": after(
        "step_start",
        {"type": "metric", "data": {"metric": "session_duration_seconds", "value": 1, "tags": {}}},
    ),
    "a metric of another step": after(
        "step_start",
        {"type": "metric", "data": {"metric": "rows_in", "value": 1, "tags": {"step": "nobody"}}},
    ),
    "a metric that is no number": after(
        "step_start", {"type": "metric", "data": {"metric": "rows_in", "value": "1", "tags": {}}}
    ),
    "progress of nobody": after(
        "step_start", {"type": "progress", "data": {"step_id": "nobody", "rows": 1, "bytes": 1}}
    ),
    "a log line that is none": after(
        "step_start",
        {
            "type": "log",
            "data": {"level": "high", "logger": "x", "message": "x", "traceback": None},
        },
    ),
    "a time before time": after(
        "step_start",
        {
            "type": "log",
            "ts": -5.0,
            "data": {"level": 20, "logger": "x", "message": "x", "traceback": None},
        },
    ),
    "a time beyond time": after(
        "step_start",
        {
            "type": "log",
            "ts": 1e300,
            "data": {"level": 20, "logger": "x", "message": "x", "traceback": None},
        },
    ),
    "rows that were never handed over": of_event(
        "step_complete",
        lambda data: data.update(rows_written=None if data["rows_written"] is None else 10),
    ),
    "rows from nowhere": of_event(
        "step_complete", lambda data: data.update(rows_in={"df": 9, "other": 1})
    ),
    "fewer rows than none": of_event(
        "step_complete", lambda data: data.update(rows_out=None if data["rows_out"] is None else -1)
    ),
    "more attempts than allowed": of_event("step_complete", lambda data: data.update(attempts=7)),
    "a step that never ends": without(
        lambda r: r["data"].get("event") == "step_complete" and r["data"]["step_id"] == "take"
    ),
    "no word of the end": without(lambda r: r["data"].get("cmd") == "cleanup"),
    "no word of one step": without(lambda r: r["data"].get("cmd") == "exec_step"),
    "no ping": without(lambda r: r["data"].get("cmd") == "ping"),
    "a response to nothing": after(
        "step_start", {"type": "response", "data": {"cmd": "dance", "data": {}, "error": None}}
    ),
    "a run that somebody cancelled": of_event(
        "step_complete",
        lambda data: replace_all(
            data, event="step_skipped", step_id="make", reason="cancelled", because=None
        ),
    ),
    "an opening that is none": lambda r: [{**r, "data": {}}] if r["type"] == "opened" else [r],
    "another protocol": lambda r: (
        [{**r, "data": {**r["data"], "protocol": 2}}] if r["type"] == "opened" else [r]
    ),
    "an end that is none": lambda r: (
        [{**r, "data": {"exit_code": 0}}] if r["type"] == "closed" else [r]
    ),
    "an end of another kind": lambda r: (
        [{**r, "data": {**r["data"], "left": []}}] if r["type"] == "closed" else [r]
    ),
    "parts that are none": after(
        "step_start", {"type": "part", "data": {"index": 4, "count": 2, "chunk": ""}}
    ),
}  # fmt: skip - a table reads better in lines


@pytest.mark.parametrize("name", FORGED)
def test_a_record_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    evidence = run(tmp_path, FORGED[name])
    must_be_refused(evidence)
    assert len(evidence.events("run_complete")) == 1
    assert not [e for e in evidence.events() if e["event"] == "surprise"]


def test_an_answer_that_the_run_was_cancelled_is_not_believed(tmp_path: Path) -> None:
    def lie(record: Record) -> list[Record]:
        if record["data"].get("cmd") == "prepare":
            error = {"code": "run.cancelled", "kind": "system", "message": "x", "hint": None}
            return [{**record, "data": {**record["data"], "error": error}}]
        return [record]

    must_be_refused(run(tmp_path, lie))


def left(**changes: Any) -> Lie:
    """Change what the runner tells of the files that are left."""

    def lie(record: Record) -> list[Record]:
        if record["type"] == "closed":
            record = copy.deepcopy(record)
            record["data"]["left"].update(changes)
        return [record]

    return lie


@pytest.mark.parametrize(
    "changes",
    [
        {"directories": ["artifacts/../../evil"]},
        {"directories": ["/tmp/evil"]},
        {"directories": ["artifacts/take/ids.txt"]},
        {"directories": "artifacts"},
        {"directories": [7]},
        {"files": [{"path": "../evil", "bytes": 1, "sha256": "0" * 64}]},
        {"files": [{"path": "artifacts/take/x", "bytes": 1}]},
        {"files": [{"path": "artifacts/take/x", "bytes": "1", "sha256": "0" * 64}]},
        {"files": [{"path": "artifacts/take/IDS.TXT", "bytes": 1, "sha256": "0" * 64}]},
        {"files": ["artifacts/take/x"]},
        {"files": 7},
    ],
    ids=str,
)
def test_a_list_of_files_that_cannot_be_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    must_be_refused(run(tmp_path, left(**changes)))


@pytest.mark.parametrize(
    "limits",
    [
        Limits(files=1),
        Limits(file_bytes=10),
        Limits(total_bytes=20),
        Limits(journal_bytes=2000),
    ],
    ids=lambda limits: next(f.name for f in fields(limits) if getattr(limits, f.name) != f.default),
)
def test_more_than_is_taken_is_refused(tmp_path: Path, limits: Limits) -> None:
    must_be_refused(run(tmp_path, lambda record: [record], limits=limits))


def test_records_of_the_past_stay(tmp_path: Path) -> None:
    """What was true before the lie is in the records."""
    evidence = run(tmp_path, FORGED["a second end"])
    assert evidence.state("take") == "completed"
    assert len(evidence.events("step_start")) == 2


def test_a_file_that_nobody_told_of_comes_back_as_it_is(tmp_path: Path) -> None:
    """Partial outputs of a failed run, too."""
    builder = PipelineBuilder()
    retry = Retry(attempts=2, delay=0.01)
    builder.add("make", "source", rows=9, retry=retry).add("take", "sink", "make", fault="crash")
    builder.add("bad", "source", fault="data", counter="artifacts/bad/tries")
    evidence = run(tmp_path, lambda record: [record], builder)
    assert evidence.result.exit_code == 1
    assert (evidence.root / "artifacts/bad/tries").read_text() == "x"
    assert (evidence.root / "artifacts/make/output.csv").is_file()
    assert (evidence.root / "artifacts/take").is_dir()
    (fetched,) = evidence.events("sandbox_artifacts_fetched")
    assert fetched["files"] == 2
    assert json.loads(evidence.result.layout.status.read_text())["error"]["code"]

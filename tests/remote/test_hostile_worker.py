"""A worker that lies: whatever it says, no lie is kept."""

from pathlib import Path

import pytest

from tests.remote.lies import (
    Lie,
    after,
    event,
    must_be_refused,
    of_event,
    replace_all,
    run,
    without,
)
from tests.support.sandboxes import Record

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


def test_the_truth_is_believed(tmp_path: Path) -> None:
    """What is replayed below is a good run, but for the lie."""
    evidence = run(tmp_path, lambda record: [record])
    assert evidence.result.ok
    assert (evidence.root / "artifacts/take/ids.txt").read_text().split() == list("012345678")


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


def test_records_of_the_past_stay(tmp_path: Path) -> None:
    """What was true before the lie is in the records."""
    evidence = run(tmp_path, FORGED["a second end"])
    assert evidence.state("take") == "completed"
    assert len(evidence.events("step_start")) == 2

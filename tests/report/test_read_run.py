"""Reading a run's directory back, whatever it holds."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.cli.run_report import failure_lines, run_lines
from osiris.core.status_file import process_start
from osiris.report.read_run import read_run, summarize_run
from tests.support.pipelines import PipelineBuilder, run_sample


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a real run: one branch completed, one failed."""
    built = PipelineBuilder()
    built.add("good", "source", rows=10).add("keep", "sink", "good")
    built.add("bad", "source", fault="config").add("lost", "sink", "bad")
    return run_sample(tmp_path_factory.mktemp("project"), built).root


@pytest.fixture
def directory(finished: Path, tmp_path: Path) -> Path:
    """A copy of that run's directory, to be damaged."""
    copy = tmp_path / "logs" / finished.name
    shutil.copytree(finished, copy)
    return copy


def _status(directory: Path, **changes: Any) -> None:
    path = directory / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _running(directory: Path, **changes: Any) -> None:
    """Turn status.json into what it was while the run went on."""
    changes = {"pid": os.getpid(), "process_start": process_start(os.getpid()), **changes}
    gone = dict.fromkeys(("exit_code", "finished_at", "duration_seconds", "error"))
    counts = dict.fromkeys(("steps_completed", "steps_failed", "steps_skipped", "total_rows"), 0)
    _status(directory, **{"state": "running", "steps": {}, **gone, **counts, **changes})


def test_a_finished_run(directory: Path) -> None:
    record = read_run(directory)
    assert (record.state, record.ok, record.exit_code, record.note) == ("failed", False, 1, None)
    assert (record.steps_completed, record.steps_failed, record.steps_skipped) == (2, 1, 1)
    assert record.total_rows == 10
    assert [step.id for step in record.steps] == ["good", "keep", "bad", "lost"]
    states = {step.id: step.state for step in record.steps}
    assert states == {"good": "completed", "keep": "completed", "bad": "failed", "lost": "skipped"}
    assert record.steps[0].component == "sample.source"
    assert record.error is not None
    assert record.error["message"] == "the sample refuses"
    summary = summarize_run(directory)
    assert summary.steps == ()
    assert summary.summary() == record.summary()


def test_the_events_alone_tell_the_same_as_the_status(directory: Path) -> None:
    told = read_run(directory)
    _running(directory)
    folded = read_run(directory)
    assert folded.state == "running"
    for name in ("steps_total", "steps_completed", "steps_failed", "steps_skipped", "total_rows"):
        assert getattr(folded, name) == getattr(told, name), name
    for one, other in zip(folded.steps, told.steps, strict=True):
        assert (one.id, one.state, one.rows_in, one.rows_out, one.rows_written) == (
            (other.id, other.state, other.rows_in, other.rows_out, other.rows_written)
        )
        assert one.duration_ms == pytest.approx(other.duration_ms, abs=0.01)
        assert (one.error is None) is (other.error is None)


@pytest.mark.parametrize(
    "changes,state",
    [
        ({}, "running"),
        ({"process_start": 1}, "crashed"),
        ({"pid": 2**22 + 1}, "crashed"),
        ({"pid": -1}, "crashed"),
        ({"pid": "1"}, "crashed"),
        ({"pid": None}, "crashed"),
        ({"process_start": None}, "running"),
        ({"process_start": None, "pid": 2**22 + 1}, "crashed"),
        ({"process_start": None, "pid": 2**80}, "crashed"),
        ({"host": "elsewhere.invalid"}, "running"),
    ],
)
def test_a_run_is_as_alive_as_its_process(
    directory: Path, changes: dict[str, Any], state: str
) -> None:
    _running(directory, **changes)
    record = summarize_run(directory)
    assert record.state == state
    assert record.ok is False
    assert record.host == changes.get("host", socket.gethostname())
    assert (record.note is None) is (state == "running" and "host" not in changes)


def test_a_step_that_never_started_is_pending(directory: Path) -> None:
    _running(directory, process_start=1)
    events = (directory / "events.jsonl").read_text().splitlines(keepends=True)
    kept = [line for line in events if '"cfg_materialized"' in line or '"run_start"' in line]
    (directory / "events.jsonl").write_text("".join(kept))
    record = read_run(directory)
    assert {step.id: step.state for step in record.steps} == {
        "good": "pending",
        "keep": "pending",
        "bad": "pending",
        "lost": "pending",
    }
    assert (record.steps_total, record.steps_completed) == (4, 0)


def test_half_a_line_at_the_end_is_left_out(directory: Path) -> None:
    whole = (directory / "events.jsonl").read_bytes()
    for cut in range(len(whole) - 200, len(whole), 7):
        (directory / "events.jsonl").write_bytes(whole[:cut])
        record = read_run(directory)
        half = not whole[:cut].endswith((b"\n", b"}"))
        assert (record.note is not None) is half
        assert len(record.steps) == 4


def _remove(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 10)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _deep(path: Path) -> None:
    path.write_text("[" * 100_000)


def _other(path: Path) -> None:
    path.write_text("[1, 2]\n")


def _loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


DAMAGES = [_remove, _empty, _binary, _directory, _pipe, _deep, _other, _loop]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.timeout(60)
def test_damage_to_the_status_is_told(directory: Path, damage: Callable[[Path], None]) -> None:
    damage(directory / "status.json")
    record = read_run(directory)
    assert (record.state, record.ok) == ("unknown", False)
    assert record.note is not None
    assert "status.json" in record.note
    assert record.pipeline is not None
    assert {step.id for step in record.steps} == {"good", "keep", "bad", "lost"}
    assert record.error is not None


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.timeout(60)
def test_damage_to_the_events_leaves_the_status(
    directory: Path, damage: Callable[[Path], None]
) -> None:
    damage(directory / "events.jsonl")
    record = read_run(directory)
    assert (record.state, record.exit_code) == ("failed", 1)
    assert {step.id: step.state for step in record.steps}["bad"] == "failed"


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_left_at_all(directory: Path, damage: Callable[[Path], None]) -> None:
    for name in ("status.json", "events.jsonl"):
        damage(directory / name)
    record = read_run(directory)
    assert record.state == "unknown"
    assert record.steps == ()
    assert json.dumps(record.to_dict())


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_values_of_any_type_do_no_harm(finished: Path, tmp_path: Path, data: st.DataObject) -> None:
    """Whatever stands where a value should, the run can be read and shown."""
    target = tmp_path / "run_x"
    target.mkdir(exist_ok=True)
    status = json.loads((finished / "status.json").read_text())
    if data.draw(st.booleans()):
        status["state"] = "running"
    for place in (status, status["steps"]["good"]):
        for key in data.draw(st.sets(st.sampled_from(sorted(place)), max_size=4)):
            place[key] = data.draw(_ANY)
    (target / "status.json").write_text(json.dumps(status))
    lines = []
    for line in (finished / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        for key in data.draw(st.sets(st.sampled_from(sorted(event)), max_size=1)):
            event[key] = data.draw(_ANY)
        lines.append(json.dumps(event))
    (target / "events.jsonl").write_text("\n".join(lines))
    record = read_run(target)
    assert json.dumps(record.to_dict(), allow_nan=False)
    assert list(run_lines(record, 80))
    assert list(failure_lines(record, sys.stdout)) is not None
    summarize_run(target)

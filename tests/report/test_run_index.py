"""The index of runs: quick, and never believed over the files."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from osiris.report import run_index
from osiris.report.find_runs import list_runs
from osiris.report.run_record import RunRecord
from tests.support.pipelines import PipelineBuilder, run_sample


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a completed, a failed and a crashed run, all of them old enough to index."""
    project = tmp_path_factory.mktemp("project")
    run_sample(project, PipelineBuilder().add("make", "source").add("keep", "sink", "make"))
    broken = PipelineBuilder().add("bad", "source", fault="config").add("lost", "sink", "bad")
    run_sample(project, broken)
    dead = run_sample(project, PipelineBuilder().add("make", "source").add("keep", "sink", "make"))
    _change(dead.root, state="running", pid=2**22 + 1)
    time.sleep(2.1)  # a file counts as settled when it was not changed for two seconds
    return project


@pytest.fixture
def project(settled: Path, tmp_path: Path) -> Path:
    """A copy to be changed, it, too, old enough."""
    shutil.copytree(settled, tmp_path / "project")
    time.sleep(2.1)
    return tmp_path / "project"


def _change(run: Path, **members: object) -> None:
    status = run / "status.json"
    changed = {**json.loads(status.read_text()), **members}
    status.unlink()
    status.write_text(json.dumps(changed))


def _entries(project: Path) -> dict[str, object]:
    body = (project / "logs" / ".index").read_text().partition("\n")[2]
    entries: dict[str, object] = json.loads(body)
    return entries


def _states(project: Path) -> dict[str, str]:
    return {run.session: run.state for run in list_runs(project)}


def test_what_the_index_says_is_what_the_files_say(settled: Path) -> None:
    fresh = list_runs(settled)
    assert sorted(run.state for run in fresh) == ["completed", "crashed", "failed"]
    assert set(_entries(settled)) == {run.session for run in fresh}
    again = list_runs(settled)
    assert [run.summary() for run in again] == [run.summary() for run in fresh]
    assert all(isinstance(run, RunRecord) for run in again)


def test_the_index_is_used(settled: Path) -> None:
    """A word changed in it, its checksum made to fit, is shown: the files were not read."""
    list_runs(settled)
    index = settled / "logs" / ".index"
    good = index.read_bytes()
    body = good.partition(b"\n")[2].replace(b'"sample"', b'"samPle"')
    header = run_index._header(body)
    index.write_bytes(json.dumps(header).encode() + b"\n" + body)
    assert {run.pipeline for run in list_runs(settled)} == {"samPle"}
    index.write_bytes(good)
    assert {run.pipeline for run in list_runs(settled)} == {"sample"}


def test_a_changed_status_counts_at_once(project: Path) -> None:
    before = _states(project)
    assert len(_entries(project)) == 3
    run = next(name for name, state in before.items() if state == "completed")
    status = project / "logs" / run / "status.json"
    stat = status.stat()
    status.write_text(status.read_text().replace('"completed"', '"cancelled"'))  # as many bytes
    os.utime(status, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert status.stat().st_size == stat.st_size
    assert _states(project)[run] == "cancelled"


def test_the_events_of_a_dead_run_count(project: Path) -> None:
    run = next(run for run in list_runs(project) if run.state == "crashed")
    assert run.total_rows == 10
    events = run.directory / "events.jsonl"
    events.write_text("".join(events.read_text().splitlines(keepends=True)[:3]))
    assert {run.state: run.total_rows for run in list_runs(project)}["crashed"] == 0


def test_a_removed_run_leaves_the_index(project: Path) -> None:
    gone, *rest = list_runs(project)
    shutil.rmtree(gone.directory)
    assert [run.session for run in list_runs(project)] == [run.session for run in rest]
    assert set(_entries(project)) == {run.session for run in rest}


def test_what_may_still_change_is_not_indexed(tmp_path: Path) -> None:
    """A run that ended a moment ago could change within one tick of the file system's clock."""
    made = run_sample(tmp_path, PipelineBuilder().add("a", "source").add("b", "sink", "a"))
    assert [run.session for run in list_runs(tmp_path)] == [made.root.name]
    index = tmp_path / "logs" / ".index"
    assert not index.exists() or _entries(tmp_path) == {}
    _change(made.root, state="running")
    assert _states(tmp_path) == {made.root.name: "running"}


def _truncated(index: Path) -> None:
    index.write_bytes(index.read_bytes()[:-100])


def _flipped(index: Path) -> None:
    index.write_bytes(index.read_bytes().replace(b"completed", b"cancelled"))


def _empty(index: Path) -> None:
    index.write_bytes(b"")


def _other(index: Path) -> None:
    index.write_bytes(b"[]\n{}")


def _deep(index: Path) -> None:
    index.write_bytes(b"[" * 100_000)


def _directory(index: Path) -> None:
    index.unlink()
    index.mkdir()


def _pipe(index: Path) -> None:
    index.unlink()
    os.mkfifo(index)


def _elsewhere(index: Path) -> None:
    index.write_bytes(index.read_bytes().replace(b'"host": "', b'"host": "not-', 1))


@pytest.mark.parametrize(
    "damage", [_truncated, _flipped, _empty, _other, _deep, _directory, _pipe, _elsewhere]
)
@pytest.mark.timeout(30)
def test_a_damaged_index_is_as_good_as_none(settled: Path, damage: Callable[[Path], None]) -> None:
    told = [run.summary() for run in list_runs(settled)]
    index = settled / "logs" / ".index"
    damage(index)
    assert [run.summary() for run in list_runs(settled)] == told
    if index.is_dir():
        index.rmdir()
    index.unlink(missing_ok=True)
    assert [run.summary() for run in list_runs(settled)] == told
    assert len(_entries(settled)) == 3


def test_logs_that_cannot_be_written_can_be_read(settled: Path) -> None:
    index = settled / "logs" / ".index"
    index.unlink(missing_ok=True)
    index.with_name(".index.part").mkdir()
    try:
        assert len(list_runs(settled)) == 3
        assert not index.exists()
    finally:
        index.with_name(".index.part").rmdir()

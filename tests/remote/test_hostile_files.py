"""A worker that lies about files: nothing leaves the run's directory, and no false file is kept."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from osiris.core.manifest import Retry
from osiris.remote.limits import Limits
from tests.remote.lies import left, must_be_refused, of_event, run
from tests.support.pipelines import PipelineBuilder

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
        {"files": [{"path": "artifacts/take/ids.txt/x", "bytes": 1, "sha256": "0" * 64}]},
        {"directories": ["artifacts/take/ids.txt/x"]},
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

"""Finding runs by what a person remembers of their names."""

import os
from pathlib import Path

import pytest

from osiris.core.errors import UsageError
from osiris.report.find_runs import find_run, list_runs, run_directories

NAMES = ["run_20260101T000000Z_aaaa", "run_20260102T000000Z_bbbb", "run_20260102T000000Z_cccc"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    logs = tmp_path / "logs"
    for number, name in enumerate(NAMES):
        (logs / name).mkdir(parents=True)
        manifest = logs / name / "manifest.yaml"
        manifest.write_text("")
        os.utime(manifest, ns=(0, (10 - number) * 1_000_000_000))
    (logs / "compile_20260103T000000Z_dddd").mkdir()
    (logs / "run_a_file").write_text("")
    (logs / ".last_compile.json").write_text("{}")
    return tmp_path


def test_the_newest_comes_first(project: Path) -> None:
    """Within one second the copy of the manifest tells which run began first."""
    found = [path.name for path in run_directories(project)]
    assert found == [NAMES[1], NAMES[2], NAMES[0]]
    assert [run.session for run in list_runs(project)] == found


@pytest.mark.parametrize(
    "name,found", [("last", 1), (NAMES[0], 0), ("cccc", 2), ("20260101", 0), ("bb", 1)]
)
def test_a_part_will_do(project: Path, name: str, found: int) -> None:
    assert find_run(project, name).name == NAMES[found]


@pytest.mark.parametrize("name", ["", "none", "20260102", "compile_", "../logs", "run_a_file"])
def test_what_is_not_one_run(project: Path, name: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_run(project, name)
    assert raised.value.hint


def test_no_logs(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == []
    with pytest.raises(UsageError, match="there are no runs"):
        find_run(tmp_path)

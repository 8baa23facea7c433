"""`osiris logs gc`: what goes, what stays, and what a crash in the middle leaves."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from osiris.core.status_file import process_start
from tests.cli.program import ROOT, Osiris
from tests.support.waiting import wait_for

NOW = datetime.now(UTC)


@pytest.fixture
def old(osiris: Osiris) -> Osiris:
    """The program in a project with six runs, a day apart, of 1000 bytes or a bit more each."""
    (osiris.cwd / "osiris.yaml").write_text("name: old\n")
    for days in range(6):
        _make(osiris.cwd, days)
    return osiris


def _make(project: Path, days: int, **members: Any) -> Path:
    began = NOW - timedelta(days=days, minutes=1)
    run = project / "logs" / f"run_{began:%Y%m%dT%H%M%SZ}_{days:04x}"
    (run / "artifacts" / "make").mkdir(parents=True)
    (run / "artifacts" / "make" / "output.csv").write_bytes(bytes(1000))
    status = {"state": "completed", "started_at": began.isoformat(), "host": os.uname().nodename}
    (run / "status.json").write_text(json.dumps({**status, **members}))
    return run


def _left(osiris: Osiris) -> list[int]:
    return sorted(int(path.name[-4:], 16) for path in (osiris.cwd / "logs").glob("run_*"))


@pytest.mark.parametrize(
    "arguments,left",
    [
        (("--keep", "2"), [0, 1]),
        (("--keep", "0"), []),
        (("--keep", "9"), [0, 1, 2, 3, 4, 5]),
        (("--older-than", "36h"), [0, 1]),
        (("--older-than", "36h", "--keep", "4"), [0, 1, 2, 3]),
        (("--older-than", "36h", "--keep", "1"), [0, 1]),
        (("--max-size", "3500B"), [0, 1, 2]),
        (("--max-size", "1MiB"), [0, 1, 2, 3, 4, 5]),
        (("--max-size", "0", "--keep", "1"), [0]),
        (("--max-size", "4500", "--older-than", "84h"), [0, 1, 2, 3]),
    ],
)
def test_what_goes(old: Osiris, arguments: tuple[str, ...], left: list[int]) -> None:
    planned = old("logs", "gc", *arguments, "--dry-run", "--json").document
    assert _left(old) == [0, 1, 2, 3, 4, 5]
    done = old("logs", "gc", *arguments, "--json")
    assert done.code == 0, done.err
    assert _left(old) == left
    assert done.document["removed"] == planned["removed"]
    assert len(planned["removed"]) == 6 - len(left)
    assert (planned["dry_run"], done.document["dry_run"]) == (True, False)
    assert not (old.cwd / "logs" / ".trash").exists()


def test_a_person_reads_what_went(old: Osiris) -> None:
    done = old("logs", "gc", "--keep", "4", "--dry-run")
    lines = done.out.splitlines()
    assert lines[0].startswith("would remove run_")
    assert lines[0].endswith("_0005 (completed, 1.1 kB)")
    assert lines[2] == "2 runs would be removed, 2.2 kB"
    assert old("logs", "gc", "--keep", "6").out == "nothing to remove\n"
    nothing = old("logs", "gc")
    assert nothing.code == 2
    assert "nothing says which runs may go" in nothing.err
    for wrong in (("--older-than", "x"), ("--max-size", "big"), ("--keep", "-1")):
        assert old("logs", "gc", *wrong).code == 2


def test_a_running_run_stays(old: Osiris) -> None:
    alive = {"pid": os.getpid(), "process_start": process_start(os.getpid())}
    _make(old.cwd, 10, state="running", **alive)
    _make(old.cwd, 11, state="running", host="elsewhere.invalid", pid=1)
    _make(old.cwd, 12, state="running", pid=2**22 + 1, process_start=1)
    begun = _make(old.cwd, 13)
    (begun / "status.json").unlink()  # as in the moment after its directory was made
    assert old("logs", "gc", "--keep", "0").code == 0
    assert _left(old) == [10, 11, 13]
    long_ago = (NOW - timedelta(days=13)).timestamp()
    os.utime(begun, (long_ago, long_ago))
    assert old("logs", "gc", "--max-size", "0").code == 0
    assert _left(old) == [10, 11]


def test_only_runs_go(old: Osiris) -> None:
    outside = old.cwd / "outside"
    outside.mkdir()
    (outside / "status.json").write_text('{"state": "completed"}')
    link = old.cwd / "logs" / "run_20200101T000000Z_ffff"
    link.symlink_to(outside)
    (old.cwd / "logs" / "compile_x").mkdir()
    inner = next((old.cwd / "logs").glob("run_2*_0003")) / "artifacts" / "link"
    inner.symlink_to(outside)
    assert old("logs", "gc", "--keep", "0").code == 0
    assert (outside / "status.json").is_file()
    assert link.is_symlink()
    assert (old.cwd / "logs" / "compile_x").is_dir()


def test_killed_in_the_middle_it_leaves_whole_runs_only(old: Osiris) -> None:
    """Killed at any moment; the next call removes what is in the trash."""
    logs = old.cwd / "logs"
    for days in range(6):
        artifacts = next(logs.glob(f"run_*_{days:04x}")) / "artifacts" / "make"
        for number in range(300):
            (artifacts / f"part{number}").write_bytes(b"x")
    process = old.start("logs", "gc", "--keep", "0")
    wait_for(lambda: (logs / ".trash").exists() or process.poll() is not None)
    process.kill()
    process.communicate(timeout=60)
    for run in logs.glob("run_*"):
        assert len(list((run / "artifacts" / "make").iterdir())) == 301
    listed = old("logs", "list", "--json").document["runs"]
    assert len(listed) == len(_left(old))
    assert old("logs", "gc", "--keep", "0").code == 0
    assert _left(old) == []
    assert not (logs / ".trash").exists()


def test_two_at_once_do_each_other_no_harm(old: Osiris) -> None:
    processes = [old.start("logs", "gc", "--keep", "0") for _ in range(3)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, "")
    assert _left(old) == []


_AS_NOBODY = """
import os, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
from osiris.cli.main import outcome
sys.exit(outcome(sys.argv[1:]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody with fewer rights")
def test_what_cannot_be_removed_is_told(tmp_path: Path) -> None:
    project = tmp_path / "project"
    run = _make(project, 3)
    (project / "osiris.yaml").write_text("name: x\n")
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, "-C", str(project), "logs", "gc", "--keep", "0"],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "Permission denied" in done.stderr and "can't open" in done.stderr:
        pytest.skip("nobody may not read this Python")
    assert run.is_dir()
    assert done.returncode != 0

"""`osiris logs gc`: what goes, what stays, and what a crash in the middle leaves."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from osiris.core.status_file import process_start
from osiris.report.old_runs import Retention, old_runs, remove_runs
from tests.cli.program import Osiris
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


def test_what_goes_is_what_a_dry_run_says(old: Osiris) -> None:
    arguments = ("--older-than", "36h", "--keep", "4")
    planned = old("logs", "gc", *arguments, "--dry-run", "--json").document
    assert _left(old) == [0, 1, 2, 3, 4, 5]
    done = old("logs", "gc", *arguments, "--json")
    assert done.code == 0, done.err
    assert _left(old) == [0, 1, 2, 3]
    assert done.document["removed"] == planned["removed"]
    assert (planned["dry_run"], done.document["dry_run"]) == (True, False)
    assert not (old.cwd / "logs" / ".trash").exists()


@pytest.mark.parametrize(
    "rules,left",
    [
        ({"keep": 2}, [0, 1]),
        ({"keep": 0}, []),
        ({"keep": 9}, [0, 1, 2, 3, 4, 5]),
        ({"older_than": 36}, [0, 1]),
        ({"older_than": 36, "keep": 4}, [0, 1, 2, 3]),
        ({"older_than": 36, "keep": 1}, [0, 1]),
        ({"max_size": 3500}, [0, 1, 2]),
        ({"max_size": 2**20}, [0, 1, 2, 3, 4, 5]),
        ({"max_size": 0, "keep": 1}, [0]),
        ({"max_size": 4500, "older_than": 84}, [0, 1, 2, 3]),
    ],
)
def test_what_goes(old: Osiris, rules: dict[str, int], left: list[int]) -> None:
    if "older_than" in rules:
        rules = {**rules, "older_than": round(NOW.timestamp()) - 3600 * rules["older_than"]}
    chosen = Retention(**rules).choose(old_runs(old.cwd))
    assert [run.began for run in chosen] == sorted(run.began for run in chosen)
    assert len(list(remove_runs(old.cwd, chosen))) == 6 - len(left)
    assert _left(old) == left


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


def test_what_cannot_be_removed_is_told(old: Osiris) -> None:
    """The place to move it to is taken by a file."""
    (old.cwd / "logs" / ".trash").write_text("")
    done = old("logs", "gc", "--keep", "4")
    assert done.code == 4
    assert _left(old) == [0, 1, 2, 3, 4, 5]
    assert done.err.count("cannot be removed") == 2
    assert done.out == "0 runs removed, 0 B\n"
    removed = old("logs", "gc", "--keep", "5", "--json").document["removed"]
    assert "File exists" in removed[0]["error"]

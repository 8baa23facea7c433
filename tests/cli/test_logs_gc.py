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


def _age(compilation: Path, hours: float) -> None:
    made = (NOW - timedelta(hours=hours)).timestamp()
    os.utime(compilation / "compiled" / "manifest.yaml", (made, made))


def _compilations(osiris: Osiris) -> set[Path]:
    return set((osiris.cwd / "logs").glob("compile_*"))


def test_compilations_that_no_run_needs_go(sample: Osiris) -> None:
    """Of three runs and a compilation: a kept run's, the last one and a fresh one stay."""
    known: list[Path] = []
    for rows in ("1", "2", "3"):
        assert sample("run", "sample.yaml", "--param", f"rows={rows}").code == 0
        known += _compilations(sample) - set(known)
    sample("compile", "branches.yaml")
    assert sample("run", "sample.yaml", "--param", "rows=3").code == 0
    unused, of_a_kept_run, again, *_ = known
    link = unused.with_name("compile_20200101T000000Z_ffff")
    link.symlink_to(unused)
    everything = _compilations(sample)
    for compilation in everything:
        _age(compilation, 2)
    _age(unused, 0.5)
    assert sample("logs", "gc", "--keep", "3").code == 0
    assert _compilations(sample) == everything
    _age(unused, 2)
    assert sample("logs", "gc", "--keep", "3", "--older-than", "3h").code == 0
    assert _compilations(sample) == everything
    planned = sample("logs", "gc", "--keep", "3", "--dry-run")
    assert planned.out.startswith(f"would remove {unused.name} (")
    assert "\n1 compilation would be removed, " in planned.out
    assert _compilations(sample) == everything
    done = sample("logs", "gc", "--keep", "3", "--json").document
    assert [one["compilation"] for one in done["compilations"]] == [unused.name]
    assert done["compilations"][0]["bytes"] > 1000
    assert _compilations(sample) == everything - {unused}
    assert sample("logs", "gc", "--keep", "1").code == 0
    assert of_a_kept_run not in _compilations(sample)
    assert again in _compilations(sample)  # compiled to the same as what the last run came from
    assert sample("logs", "gc", "--keep", "0").code == 0
    assert again not in _compilations(sample)
    assert len(_compilations(sample)) == 3  # the last one of each pipeline, and the link
    assert sample("run", "--last-compile").code == 0


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

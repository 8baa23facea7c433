"""Finding the runs of a project: all of them, the last one, one by a part of its name."""

import os
from itertools import groupby
from os import PathLike
from pathlib import Path

from osiris.core.errors import UsageError
from osiris.core.layout import LOGS, RUN_PREFIX, RunLayout
from osiris.core.status import RunState
from osiris.report.read_run import summarize_run
from osiris.report.run_index import RunIndex
from osiris.report.run_record import RunRecord

LAST = "last"


def run_directories(project: Path) -> list[Path]:
    """Return the directories of the project's runs, the newest first.

    Raises `UsageError` when the directory of logs is there but cannot be read.
    """
    logs = project / LOGS
    return [logs / name for name in _run_names(logs)]


def list_runs(project: Path) -> list[RunRecord]:
    """Return a summary of every run of the project, the newest first; quick for thousands."""
    logs = project / LOGS
    return RunIndex(logs).summaries(_run_names(logs))


def _run_names(logs: Path) -> list[str]:
    try:
        with os.scandir(logs) as entries:
            names = [e.name for e in entries if e.name.startswith(RUN_PREFIX) and e.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(
            f"cannot read {logs}: {error.strerror}", hint="check the directory and its rights"
        ) from error
    names.sort(key=_second, reverse=True)
    ordered: list[str] = []
    for _, group in groupby(names, key=_second):
        same = list(group)
        if len(same) > 1:
            same.sort(key=lambda name: _begun(logs / name), reverse=True)
        ordered += same
    return ordered


def find_run(project: Path, name: str = LAST) -> Path:
    """Return the directory of a run: `last`, its id, or a part of the id that no other run has.

    Raises `UsageError` when there is none or more than one.
    """
    runs = run_directories(project)
    if not runs:
        raise UsageError(f"there are no runs in {project / LOGS}", hint="`osiris run` makes one")
    if name == LAST:
        return runs[0]
    exact = [path for path in runs if path.name == name]
    found = exact or [path for path in runs if name and name in path.name]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"there is no run {name!r}", hint="`osiris logs list` shows all")
    names = ", ".join(path.name for path in found[:3])
    more = "" if len(found) <= 3 else f" and {len(found) - 3} more"  # noqa: PLR2004 - as many as are named
    raise UsageError(f"{name!r} may be {names}{more}", hint="give more of the run's id")


def find_finished_run(project: Path, given: str | PathLike[str]) -> Path:
    """Return the directory of a run that is over: `last`, a directory, or what `find_run` finds.

    A run that died without saying how it ended is over, too. Raises `UsageError` when there is
    none, more than one, or when it is still running.
    """
    is_path = given != LAST and os.path.isdir(given)  # noqa: PTH112 - Path.is_dir raises for long names
    directory = Path(given) if is_path else find_run(project, str(given))
    layout = RunLayout(directory)
    if not layout.status.is_file() and not layout.events.is_file():
        raise UsageError(
            f"{directory} holds no records of a run",
            hint="name a run's directory, its id or `last`; `osiris logs list` shows all",
        )
    run = summarize_run(directory)
    if run.state == RunState.RUNNING:
        note = f" ({run.note})" if run.note else ""
        raise UsageError(
            f"{run.session} is still running{note}", hint="wait until it has ended, or stop it"
        )
    return directory


_STAMP = len(RUN_PREFIX) + len("20260101T000000Z")
"""How much of a run's id says when it began, to the second."""


def _second(name: str) -> str:
    """Return the part of a run's id that says when it began, to the second."""
    return name[:_STAMP]


def _begun(directory: Path) -> int:
    """Return what tells runs of one second apart: when the manifest's copy was written, in ns."""
    for name in ("manifest.yaml", ""):
        try:
            return (directory / name).stat().st_mtime_ns
        except OSError:
            continue
    return 0

"""Which runs may go, and how they go: never a running one, and none half."""

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from stat import S_ISDIR
from typing import Any, Final

from osiris.core.errors import UsageError
from osiris.core.layout import LOGS, RUN_PREFIX
from osiris.core.record_lines import seconds
from osiris.core.status import RunState
from osiris.report.find_runs import list_runs
from osiris.report.read_run import summarize_run
from osiris.report.run_record import RunRecord

TRASH: Final = ".trash"
_OVER: Final = {RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED, RunState.CRASHED}
_BEGINNING: Final = 3600.0
"""Seconds in which a directory without a status may be a run that is just being made."""


@dataclass(frozen=True)
class OldRun:
    """A run on disk; `began` is in seconds since the epoch, `over` whether it may go."""

    directory: Path
    state: str
    began: float
    over: bool
    fingerprint: str | None = None

    @cached_property
    def bytes(self) -> int:
        """The bytes of its files; links are not followed."""
        total = 0
        for path in self.directory.rglob("*"):
            with suppress(OSError):
                found = path.lstat()
                total += 0 if S_ISDIR(found.st_mode) else found.st_size
        return total

    @classmethod
    def of(cls, run: RunRecord) -> "OldRun":
        """Judge a run that was read; `FileNotFoundError` when it is gone."""
        changed = run.directory.stat().st_mtime
        began = seconds(run.started_at) or changed
        unclear = run.state not in {*_OVER, RunState.RUNNING}
        over = run.state in _OVER or (unclear and changed < time.time() - _BEGINNING)
        return cls(run.directory, run.state, began, over, run.fingerprint)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        return {
            "session": self.directory.name,
            "directory": str(self.directory),
            "state": self.state,
            "bytes": self.bytes,
        }


@dataclass(frozen=True)
class Retention:
    """What is kept.

    Attributes:
        keep: so many of the newest are kept in any case; without other rules, nothing else is.
        older_than: runs that began before go, in seconds since the epoch.
        max_size: the oldest go until all together have at most so many bytes.

    """

    keep: int | None = None
    older_than: float | None = None
    max_size: int | None = None

    def choose(self, runs: list[OldRun]) -> list[OldRun]:
        """Return the runs that go, the oldest first; `runs` are all of them, the newest first.

        Raises `UsageError` when no rule is given.
        """
        if self.keep is None and self.older_than is None and self.max_size is None:
            raise UsageError(
                "nothing says which runs may go",
                hint="give --keep N, --older-than AGE or --max-size SIZE, or several of them",
            )
        candidates = [run for run in runs[self.keep or 0 :] if run.over]
        candidates.reverse()
        if self.older_than is None and self.max_size is None:
            return candidates
        kept = 0 if self.max_size is None else sum(run.bytes for run in runs)
        chosen: list[OldRun] = []
        for run in candidates:
            too_old = self.older_than is not None and run.began < self.older_than
            too_much = self.max_size is not None and kept > self.max_size
            if too_old or too_much:
                chosen.append(run)
                kept -= 0 if self.max_size is None else run.bytes
        return chosen


def old_runs(project: Path) -> list[OldRun]:
    """Return every run of the project, the newest first; a link to a directory is no run."""
    found: list[OldRun] = []
    for run in list_runs(project):
        with suppress(FileNotFoundError):
            if not run.directory.is_symlink():
                found.append(OldRun.of(run))
    return found


def remove_runs(project: Path, runs: Iterable[OldRun]) -> Iterator[tuple[OldRun, OSError | None]]:
    """Remove runs one by one; yield each with what kept it from going, if anything did.

    A run is first moved aside into `logs/.trash`, in one step, then removed: whatever is killed
    leaves it whole or not listed at all. What an earlier call left there is removed, too.
    """
    trash = project / LOGS / TRASH
    _empty(trash)
    for run in runs:
        try:
            if OldRun.of(summarize_run(run.directory)).over:  # it may have changed meanwhile
                _ = run.bytes  # counted while they are there
                trash.mkdir(exist_ok=True)
                aside = trash / f"{run.directory.name}.{time.time_ns()}"
                run.directory.rename(aside)
                run.directory.with_name(f"{run.directory.name}.html").unlink(missing_ok=True)
                shutil.rmtree(aside)
                yield run, None
        except FileNotFoundError:
            continue  # somebody else removed it
        except OSError as error:
            yield run, error
    _empty(trash)


def _empty(trash: Path) -> None:
    """Remove what is left in the trash, as far as that is possible; only runs are ever there."""
    if trash.is_symlink() or not trash.is_dir():
        return
    for left in trash.glob(f"{RUN_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    try:
        trash.rmdir()
    except OSError:
        return  # what cannot be removed now will be tried again

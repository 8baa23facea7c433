"""Ending a process with everything it ever started. Standard library only."""

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PAUSE = 0.005


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends (Linux: a child subreaper)."""
    with suppress(OSError, AttributeError):  # where there is no prctl, orphans go to init
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(root: int) -> set[int]:
    """Return the ids of all living processes below one, itself not included."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            parent = _living_parent(entry)
            if parent is not None:
                children.setdefault(parent, []).append(int(entry.name))
    found: set[int] = set()
    pending = [root]
    while pending:
        for child in children.get(pending.pop(), ()):
            if child not in found:
                found.add(child)
                pending.append(child)
    return found


def kill_descendants(seconds: float) -> bool:
    """Kill everything below this process, again and again until nothing is left; tell whether so.

    The caller must have called `adopt_orphans` before it started anything.
    """
    end = time.monotonic() + seconds
    while True:
        alive = descendants(os.getpid())
        for pid in alive:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _reap()
        if not alive:
            return True
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE)


def _reap() -> None:
    """Take note of the children that ended, so that they vanish."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _living_parent(entry: Path) -> int | None:
    """Return the parent of a process by its directory in /proc; None for a zombie or nothing."""
    try:
        stat = (entry / "stat").read_bytes()
    except OSError:
        return None
    state, parent = stat.rpartition(b")")[2].split()[:2]
    return None if state in b"ZX" else int(parent)

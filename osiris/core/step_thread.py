"""What belongs to which run: the threads in which steps run know it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Listener(Protocol):
    """Gets what a step's thread prints; stands for the run that the thread belongs to."""

    def heard(self, stream: str, text: str) -> None:
        """Take what was written to `stdout` or `stderr`."""


class _Here(threading.local):
    listener: Listener | None = None
    speaking: bool = False


_here = _Here()


def run_of_this_thread() -> Listener | None:
    """Return what stands for the run that the calling thread belongs to; None for no run."""
    return _here.listener


def listener_here() -> Listener | None:
    """Return who gets what the calling thread prints; None when that is the program's own."""
    return None if _here.speaking else _here.listener


@contextmanager
def belonging_to(run: Listener | None) -> Iterator[None]:
    """Say that the calling thread works for a run, which gets what it prints."""
    before, _here.listener = _here.listener, run
    try:
        yield
    finally:
        _here.listener = before


@contextmanager
def speaking() -> Iterator[None]:
    """Say that what the calling thread prints now is the program's own: an observer's, say."""
    before, _here.speaking = _here.speaking, True
    try:
        yield
    finally:
        _here.speaking = before

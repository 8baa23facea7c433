"""The pump: it sends the journal's lines from a given seq on, and ends with the journal.

Standard library only: the runner uses it before anything is installed.
"""

import fcntl
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from osiris.remote.rpc_protocol import journal_line, record_bytes
from osiris.remote.session_paths import SessionPaths

_PAUSE: Final = 0.01
_CHUNK: Final = 256 * 1024
_TO_BEGIN: Final = 30.0
_TOUCHES: Final = 0.5
_CLOSED: Final = b'"type":"closed"'


def pump(paths: SessionPaths, start: int, life: float) -> None:
    """Write the journal to standard output, from the line whose seq is `start`.

    Ends after the journal's last line, after `life` seconds, or with a line of seq 0 that says
    `lost` when nobody writes the journal any more though it has no end.
    """
    end = time.monotonic() + life
    journal = _opened(paths)
    if journal is None:
        _lost("the runner did not start")
        return
    with journal:
        _follow(journal, start - 1, paths, end)


def _follow(journal: BinaryIO, skip: int, paths: SessionPaths, end: float) -> None:
    tail = begun = b""
    next_touch = 0.0
    while True:
        now = time.monotonic()
        if now >= next_touch:
            next_touch = now + _TOUCHES
            _touch(paths.lease)
        # Whether the writer lives is asked before reading: what it wrote before it died is read.
        written_on = is_held(paths.lock)
        data = journal.read(_CHUNK)
        if data:
            new, skip = _beyond(data, skip)
            # A line that a full disk or a killed runner has cut short is never sent.
            lines, end_of_line, begun = (begun + new).rpartition(b"\n")
            _send(lines + end_of_line)
            tail = (tail + data)[-2 * _CHUNK :]
            continue
        if _is_last(tail):
            return
        if not written_on:
            _lost("the runner died")
            return
        if now > end:
            return
        time.sleep(_PAUSE)


def is_held(lock: Path) -> bool:
    """Tell whether some process holds the lock."""
    try:
        fd = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(fd)


def _opened(paths: SessionPaths) -> BinaryIO | None:
    """Open the journal, once the runner has begun it."""
    give_up = time.monotonic() + _TO_BEGIN
    while time.monotonic() < give_up:
        with suppress(FileNotFoundError):
            return open(paths.journal, "rb", buffering=0)  # noqa: PTH123 - unbuffered, closed by the caller
        time.sleep(_PAUSE)
    return None


def _beyond(data: bytes, lines: int) -> tuple[bytes, int]:
    """Return what comes after so many lines, and how many are still to be skipped."""
    count = data.count(b"\n")
    if count < lines:
        return b"", lines - count
    position = -1
    for _ in range(lines):
        position = data.index(b"\n", position + 1)
    return data[position + 1 :], 0


def _is_last(tail: bytes) -> bool:
    """Tell whether what was sent last is the journal's end; a part of a large one counts, too."""
    line = tail.rstrip(b"\n").rpartition(b"\n")[2]
    return tail.endswith(b"\n") and (_CLOSED in line[:200])


def _send(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(sys.stdout.fileno(), view) :]


def _lost(why: str) -> None:
    _send(journal_line(0, record_bytes("lost", time.time(), {"why": why})))


def _touch(lease: Path) -> None:
    with suppress(OSError):
        lease.touch()

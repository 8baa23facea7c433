"""An index of runs that are over, so that listing ten thousand of them takes no time.

It is a cache and nothing more: an entry counts only while the files it was read from are the very
same (inode, size, times to the nanosecond), and a missing or damaged index is made anew. The file
`logs/.index` holds two lines of JSON: a header with the CRC-32 of the second line, and the entries.
"""

import json
import os
import socket
import time
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from osiris.core.atomic_file import replace_bytes
from osiris.core.errors import StepError
from osiris.core.layout import RunLayout
from osiris.core.regular_file import UnusableFileError, read_regular_file
from osiris.core.status import RunState
from osiris.report.read_run import summarize_run
from osiris.report.run_record import DETAILS, RunRecord
from osiris.version import VERSION

INDEX: Final = ".index"
_FORMAT: Final = 1
_LARGEST: Final = 1 << 30
_SETTLED: Final = 2_000_000_000
"""Age in ns from which on a change would show in a file's times, on any file system."""

_KEPT: Final = tuple(
    f.name for f in fields(RunRecord) if f.name not in {"session", "directory", *DETAILS}
)
"""What an entry holds of a run, in this order."""

_LAYOUT: Final = RunLayout(Path())
_READ_OF_FINISHED: Final = (_LAYOUT.status.name,)
_READ_OF_DEAD: Final = (_LAYOUT.status.name, _LAYOUT.events.name)
_OVER: Final = {RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED}
Stamp = list[int]
Entry = tuple[Stamp, list[Any]]


class RunIndex:
    """The index of one directory of logs."""

    def __init__(self, logs: Path) -> None:
        self._path = logs / INDEX

    def summaries(self, names: Iterable[str]) -> list[RunRecord]:
        """Return a summary of each run; reads only what the index does not know to be the same."""
        known = self._read()
        logs = self._path.parent.absolute()
        entries: dict[str, Entry] = {}
        runs: list[RunRecord] = []
        for name in names:
            directory = logs / name
            entry = known.get(name)
            if entry is None or entry[0] != _stamp(f"{logs}/{name}", entry[1][0]):
                run, entry = _summarized(directory)
            else:
                run = _revived(directory, entry[1])
            runs.append(run)
            if entry is not None:
                entries[name] = entry
        if entries != known:
            self._write(entries)
        return runs

    def _read(self) -> dict[str, Entry]:
        """Return the entries as they were written; none when anything about them is odd."""
        try:
            data = read_regular_file(self._path, limit=_LARGEST)
            head, _, body = data.partition(b"\n")
            if json.loads(head) != _header(body):
                return {}
            return {name: (stamp, values) for name, (stamp, values) in json.loads(body).items()}
        except (OSError, UnusableFileError, ValueError, RecursionError):
            return {}

    def _write(self, entries: dict[str, Entry]) -> None:
        body = json.dumps(entries, separators=(",", ":")).encode()
        head = json.dumps(_header(body)).encode()
        with suppress(StepError):  # logs that cannot be written can be read all the same
            replace_bytes(self._path, head + b"\n" + body)


def _revived(directory: Path, values: list[Any]) -> RunRecord:
    """Return the summary of an entry.

    A frozen dataclass sets each of its members by a call, which would be half of the time it takes
    to list ten thousand runs.
    """
    run = RunRecord.__new__(RunRecord)
    vars(run).update(zip(_KEPT, values, strict=True), session=directory.name, directory=directory)
    return run


def _header(body: bytes) -> dict[str, Any]:
    """Return what must be the same for entries to count; whether a run crashed is seen here."""
    return {
        "index": _FORMAT,
        "osiris": VERSION,
        "host": socket.gethostname(),
        "members": list(_KEPT),
        "crc32": zlib.crc32(body),
    }


def _summarized(directory: Path) -> tuple[RunRecord, Entry | None]:
    """Return a run's summary and its entry; no entry for what may still change by itself."""
    asked = time.time_ns()
    run = summarize_run(directory)
    if run.state not in {*_OVER, RunState.CRASHED}:
        return run, None
    stamp = _stamp(str(directory), run.state)
    if stamp is None or any(ns > asked - _SETTLED for ns in (*stamp[2::4], *stamp[3::4])):
        return run, None
    return run, (stamp, [getattr(run, name) for name in _KEPT])


def _stamp(directory: str, state: str) -> Stamp | None:
    """Return what tells the files a summary was read from apart from any others.

    None when they are not there. The summary of a run that died was read from its events, too.
    """
    stamp: Stamp = []
    for name in _READ_OF_FINISHED if state in _OVER else _READ_OF_DEAD:
        try:
            found = os.stat(f"{directory}/{name}")  # noqa: PTH116 - pathlib takes thrice as long
        except OSError:
            return None
        stamp += [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
    return stamp

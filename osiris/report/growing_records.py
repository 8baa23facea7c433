"""The events of a run that is still going on in another process, as they are written."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from osiris.core.layout import RunLayout
from osiris.core.record_lines import parsed_line
from osiris.core.regular_file import UnusableFileError, open_regular_file
from osiris.core.status import RunState
from osiris.report.read_run import summarize_run

_PAUSE: Final = 0.1
_CHUNK: Final = 1 << 20
_ALIVE: Final = 1.0
"""Seconds without an event after which it is looked whether the run is over."""


def growing_records(directory: Path) -> Iterator[dict[str, Any]]:
    """Yield the run's events from the first; wait for more until the run is over.

    A run whose process died is over, too. Half a line is waited for, or left out at the end.
    """
    layout = RunLayout(directory)
    rest = b""
    position = 0
    looked = 0.0
    over = False
    while True:
        data = _read_from(layout.events, position)
        position += len(data)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            record = parsed_line(line)
            if record is not None:
                yield record
        if data:
            continue
        if over:  # and nothing came since: what is written last is written before the status
            return
        if time.monotonic() - looked >= _ALIVE:
            looked = time.monotonic()
            over = summarize_run(directory).state != RunState.RUNNING
            continue
        time.sleep(_PAUSE)


def _read_from(path: Path, position: int) -> bytes:
    try:
        with open_regular_file(path) as file:
            file.seek(position)
            return file.read(_CHUNK)
    except (OSError, UnusableFileError):
        return b""

"""Progress as a table on the terminal, a line a step, redrawn a few times a second."""

import logging
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from osiris.cli import amounts, streams
from osiris.cli.live_lines import LiveLines
from osiris.cli.screen import Style, harmless, is_terminal, styled
from osiris.cli.step_line import StepLine
from osiris.cli.table import GAP, fit, width
from osiris.core import events as ev
from osiris.core.manifest import Manifest
from osiris.core.records import LogLine, Progress, Record

_OTHER_LINES: Final = 3
_WIDTHS: Final = {"ROWS": 11, "ROWS/S": 10, "MB/S": 7, "TIME": 7}
"""Columns of numbers and their widths: they must not jump about, nor give way to long names."""
_LAYOUTS: Final = ((76, 17, 26, tuple(_WIDTHS)), (58, 9, 18, ("ROWS", "ROWS/S", "TIME")))
"""For a terminal of so many cells: those of a state at least and at most, and the numbers shown."""
_NARROW: Final = (0, 9, 10, ("ROWS", "TIME"))
_SHORTEST_NAME: Final = 4

_STYLES: Final[dict[str, Style]] = {
    "completed": "good",
    "failed": "bad",
    "retrying": "warn",
    "running": "strong",
    "skipped": "warn",
}
_RANK: Final = {
    "failed": 0,
    "running": 1,
    "retrying": 1,
    "completed": 2,
    "skipped": 3,
    "pending": 4,
}


class LiveProgress:
    """Keeps the table up to date from a run's records; used as a context.

    The table goes away at the end where the run's report follows it.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._lock = threading.Lock()
        self._steps = {step.id: StepLine(step.id) for step in manifest.steps}
        self._began = time.monotonic()
        self._stream = streams.stderr()
        transient = is_terminal(streams.stdout())
        self._live = LiveLines(self._stream, self._table, transient=transient)

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Draw for the last time."""
        self._live.__exit__(kind, error, traceback)

    def take(self, record: Record) -> None:
        """Take one record of the run."""
        if isinstance(record, LogLine):
            if record.level >= logging.WARNING:
                self._live.say(harmless(record.message))
        elif isinstance(record, Progress | ev.StepEvent):
            with self._lock:
                line = self._steps.setdefault(record.step_id, StepLine(record.step_id))
                line.take(record, time.monotonic())

    def _table(self, columns: int, height: int) -> Sequence[str]:
        now = time.monotonic()
        _, least, most, numbers = next((x for x in _LAYOUTS if x[0] <= columns), _NARROW)
        with self._lock:
            lines = list(self._steps.values())
            room = max(1, height - _OTHER_LINES)
            chosen = {id(line) for line in sorted(lines, key=lambda x: _RANK[x.state])[:room]}
            rows = [
                (line.state, _cells(line, now, most, numbers))
                for line in lines
                if id(line) in chosen
            ]
            done = sum(line.ended is not None for line in lines)
        elapsed = amounts.duration(now - self._began)
        sizes = _sizes([cells for _, cells in rows], least, numbers, columns)
        header = "  ".join(_padded(("STEP", "STATE", *numbers), sizes))
        summary = f"{done} of {len(lines)} steps ended, {elapsed}"
        return [
            self._styled(header, "dim"),
            *(self._row(state, _padded(cells, sizes)) for state, cells in rows),
            self._styled(fit(summary, columns), "dim"),
        ]

    def _row(self, state: str, cells: Sequence[str]) -> str:
        name, told, *numbers = cells
        return (" " * GAP).join([name, self._styled(told, _STYLES.get(state, "dim")), *numbers])

    def _styled(self, text: str, style: Style) -> str:
        return styled(text, style, self._stream)


def _cells(line: StepLine, now: float, most: int, numbers: Sequence[str]) -> Sequence[str]:
    told = f"{line.state} ({harmless(line.note)})" if line.note else line.state
    texts = _numbers(line, now)
    return (harmless(line.name), fit(told, most), *(texts[name] for name in numbers))


def _numbers(line: StepLine, now: float) -> dict[str, str]:
    rows, size = line.speed(now)
    return {
        "ROWS": amounts.rows(line.rows),
        "ROWS/S": amounts.rows(rows),
        "MB/S": "-" if size is None else f"{size / 1e6:,.1f}",
        "TIME": amounts.duration(line.seconds(now)),
    }


def _sizes(
    rows: Sequence[Sequence[str]], least: int, numbers: Sequence[str], columns: int
) -> list[int]:
    """Return each column's cells; the names of the steps give way to all others."""
    smallest = [_SHORTEST_NAME, least, *(_WIDTHS[name] for name in numbers)]
    sizes = [
        max(size, *(width(row[i]) for row in rows)) if rows else size
        for i, size in enumerate(smallest)
    ]
    others = sum(sizes[1:]) + GAP * (len(sizes) - 1)
    sizes[0] = max(_SHORTEST_NAME, min(sizes[0], columns - others))
    return sizes


def _padded(cells: Sequence[str], sizes: Sequence[int]) -> list[str]:
    padded = []
    for i, (text, size) in enumerate(zip(cells, sizes, strict=True)):
        cut = fit(text, size)
        space = " " * (size - width(cut))
        padded.append(cut + space if i <= 1 else space + cut)
    return padded

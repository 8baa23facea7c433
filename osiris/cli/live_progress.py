"""Progress as a table on the terminal, a line a step, redrawn a few times a second."""

import logging
import os
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from osiris.cli import amounts, streams
from osiris.cli.screen import harmless, is_terminal
from osiris.cli.step_line import StepLine
from osiris.cli.table import fit
from osiris.core import events as ev
from osiris.core.manifest import Manifest
from osiris.core.records import LogLine, Progress, Record

_PER_SECOND = 8
_OTHER_LINES = 3
_WIDTHS = {"ROWS": 11, "ROWS/S": 10, "MB/S": 7, "TIME": 7}
"""Columns of numbers and their widths: they must not jump about, nor give way to long names."""
_LAYOUTS = ((76, 17, 26, tuple(_WIDTHS)), (58, 9, 18, ("ROWS", "ROWS/S", "TIME")))
"""For a terminal of so many cells: those of a state at least and at most, and the numbers shown."""
_NARROW = (0, 9, 10, ("ROWS", "TIME"))

_COLOURS = {
    "completed": "green",
    "failed": "bold red",
    "retrying": "yellow",
    "running": "bold",
    "skipped": "yellow",
}
_RANK = {"failed": 0, "running": 1, "retrying": 1, "completed": 2, "skipped": 3, "pending": 4}


class LiveProgress:
    """Keeps the table up to date from a run's records; used as a context."""

    def __init__(self, manifest: Manifest) -> None:
        self._lock = threading.Lock()
        self._steps = {step.id: StepLine(step.id) for step in manifest.steps}
        self._began = time.monotonic()
        self._console = Console(file=streams.stderr(), highlight=False)
        self._live = Live(
            get_renderable=self._table,
            console=self._console,
            refresh_per_second=_PER_SECOND,
            transient=is_terminal(streams.stdout()),
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._fit()
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Draw for the last time; the table goes away where the run's report follows it."""
        with suppress(OSError):  # the terminal was closed: the run is over all the same
            self._live.stop()

    def take(self, record: Record) -> None:
        """Take one record of the run."""
        if isinstance(record, LogLine):
            if record.level >= logging.WARNING:
                self._console.print(Text(harmless(record.message)))
        elif isinstance(record, Progress | ev.StepEvent):
            with self._lock:
                line = self._steps.setdefault(record.step_id, StepLine(record.step_id))
                line.take(record, time.monotonic())

    def _fit(self) -> None:
        """Be as large as the terminal: rich asks the standard descriptors, which are not its."""
        with suppress(OSError, ValueError):
            size = os.get_terminal_size(self._console.file.fileno())
            if all(size):
                self._console.size = size

    def _table(self) -> RenderableType:
        self._fit()
        now = time.monotonic()
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("STEP")  # the only one that gives way: its cells are cut, not wrapped
        fitting = (layout for layout in _LAYOUTS if layout[0] <= self._console.width)
        _, least, most, numbers = next(fitting, _NARROW)
        table.add_column("STATE", min_width=least, no_wrap=True, overflow="ellipsis")
        for name in numbers:
            table.add_column(name, justify="right", min_width=_WIDTHS[name], no_wrap=True)
        with self._lock:
            lines = list(self._steps.values())
            room = max(1, self._console.height - _OTHER_LINES)
            chosen = {id(line) for line in sorted(lines, key=lambda x: _RANK[x.state])[:room]}
            for line in lines:
                if id(line) in chosen:
                    texts = _numbers(line, now)
                    shown = (Text(texts[name]) for name in numbers)
                    table.add_row(_name(line), _state(line, most), *shown)
            done = sum(line.ended is not None for line in lines)
        elapsed = amounts.duration(now - self._began)
        return Group(table, Text(f"{done} of {len(lines)} steps ended, {elapsed}", style="dim"))


def _numbers(line: StepLine, now: float) -> dict[str, str]:
    rows, size = line.speed(now)
    return {
        "ROWS": amounts.rows(line.rows),
        "ROWS/S": amounts.rows(rows),
        "MB/S": "-" if size is None else f"{size / 1e6:,.1f}",
        "TIME": amounts.duration(line.seconds(now)),
    }


def _name(line: StepLine) -> Text:
    return Text(harmless(line.name), no_wrap=True, overflow="ellipsis")


def _state(line: StepLine, most: int) -> Text:
    told = f"{line.state} ({harmless(line.note)})" if line.note else line.state
    return Text(fit(told, most), style=_COLOURS.get(line.state, "dim"))

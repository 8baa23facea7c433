"""Progress as a table on the terminal, a line a step, redrawn a few times a second."""

import logging
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from osiris.cli import amounts, streams
from osiris.cli.screen import harmless, is_terminal
from osiris.core import events as ev
from osiris.core.manifest import Manifest
from osiris.core.records import LogLine, Progress, Record

_PER_SECOND = 8
_OTHER_LINES = 3
_NUMBERS = {"ROWS": 11, "ROWS/S": 10, "SIZE": 8, "TIME": 8}
"""Columns of numbers and their widths: they must not jump about, nor give way to long names."""

_COLOURS = {"completed": "green", "failed": "bold red", "skipped": "yellow", "running": "bold"}
_RANK = {"failed": 0, "running": 1, "retrying": 1, "completed": 2, "skipped": 3, "pending": 4}


@dataclass
class StepLine:
    """What the table shows of one step; times are of the monotonic clock of this process."""

    name: str
    state: str = "pending"
    rows: int | None = None
    bytes: int = 0
    started: float | None = None
    ended: float | None = None

    def seconds(self, now: float) -> float | None:
        """Return how long the step runs or ran."""
        return None if self.started is None else (self.ended or now) - self.started


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
                _update(line, record)

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
        table.add_column("STATE", min_width=9, no_wrap=True)
        for name, width in _NUMBERS.items():
            table.add_column(name, justify="right", min_width=width, no_wrap=True)
        with self._lock:
            lines = list(self._steps.values())
            room = max(1, self._console.height - _OTHER_LINES)
            chosen = {id(line) for line in sorted(lines, key=lambda x: _RANK[x.state])[:room]}
            for line in lines:
                if id(line) in chosen:
                    table.add_row(*_cells(line, now))
            done = sum(line.ended is not None for line in lines)
        elapsed = amounts.duration(now - self._began)
        return Group(table, Text(f"{done} of {len(lines)} steps ended, {elapsed}", style="dim"))


def _update(line: StepLine, record: Progress | ev.StepEvent) -> None:
    now = time.monotonic()
    match record:
        case Progress():
            line.rows, line.bytes = record.rows, record.bytes
        case ev.StepStart():
            line.state, line.started, line.rows, line.bytes = "running", now, None, 0
        case ev.StepRetry():
            line.state, line.rows, line.bytes = "retrying", None, 0
        case ev.StepComplete():
            count = record.rows_written if record.rows_written is not None else record.rows_out
            line.state, line.ended, line.rows = "completed", now, count
        case ev.StepFailed() | ev.ArtifactPublishFailed():
            line.state, line.ended = "failed", now
        case ev.StepSkipped():
            line.state, line.ended = "skipped", now


def _cells(line: StepLine, now: float) -> tuple[Text, ...]:
    seconds = line.seconds(now)
    rate = line.rows / seconds if line.rows and seconds else None
    texts = (
        amounts.rows(line.rows),
        amounts.rows(rate),
        amounts.size(line.bytes) if line.bytes else "-",
        amounts.duration(seconds),
    )
    state = Text(line.state, style=_COLOURS.get(line.state, "dim"))
    name = Text(harmless(line.name), no_wrap=True, overflow="ellipsis")
    return (name, state, *map(Text, texts))

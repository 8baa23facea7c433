"""What a live table shows of one step: its state in words, how much came, how fast."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from osiris.cli import amounts
from osiris.core import events as ev
from osiris.core.records import Progress

_WINDOW: Final = 3.0
"""Seconds over which the speed of a running step is measured."""


@dataclass
class StepLine:
    """One step; times are of the monotonic clock of this process."""

    name: str
    state: str = "pending"
    note: str = ""
    rows: int | None = None
    bytes: int = 0
    started: float | None = None
    ended: float | None = None
    _next: str = ""
    _seen: deque[tuple[float, int, int]] = field(default_factory=deque)

    def seconds(self, now: float) -> float | None:
        """Return how long the step runs or ran."""
        return None if self.started is None else (self.ended or now) - self.started

    def speed(self, now: float) -> tuple[float | None, float | None]:
        """Return rows and bytes a second: lately while it runs, on the whole when it has ended."""
        if self.state == "running" and len(self._seen) > 1:
            begin, rows, size = self._seen[0]
            span = max(now - begin, 1e-9)
            return ((self.rows or 0) - rows) / span, (self.bytes - size) / span
        whole = self.seconds(now)
        if not whole:
            return None, None
        return self.rows / whole if self.rows else None, self.bytes / whole if self.bytes else None

    def take(self, record: Progress | ev.StepEvent, now: float) -> None:
        """Take one record of the step."""
        match record:
            case Progress():
                self._progress(record, now)
            case ev.StepStart():
                self._begin("running", "")
                self.started = now
            case ev.StepRetry():
                wait = amounts.duration(record.delay_seconds)
                self._next = f"{record.attempt + 1}/{record.attempts}"
                self._begin("retrying", f"{self._next} in {wait}")
            case ev.StepComplete():
                count = record.rows_written if record.rows_written is not None else record.rows_out
                self._end("completed", f"try {record.attempts}" * (record.attempts > 1), now)
                self.rows = count
            case ev.StepFailed() | ev.ArtifactPublishFailed():
                self._end("failed", "", now)
            case ev.StepSkipped():
                self._end("skipped", record.because or record.reason, now)

    def _progress(self, record: Progress, now: float) -> None:
        if self.state == "retrying":  # the next try has begun
            self.state, self.note = "running", f"try {self._next}"
        self.rows, self.bytes = record.rows, record.bytes
        self._seen.append((now, record.rows, record.bytes))
        while self._seen[0][0] < now - _WINDOW and len(self._seen) > 2:  # noqa: PLR2004 - a span has two ends
            self._seen.popleft()

    def _begin(self, state: str, note: str) -> None:
        self.state, self.note, self.rows, self.bytes = state, note, None, 0
        self._seen.clear()

    def _end(self, state: str, note: str, now: float) -> None:
        self.state, self.note, self.ended = state, note, now

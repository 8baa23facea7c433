"""Telling how far a step is, a few times a second."""

import time

from osiris.core.records import Emit, Progress
from osiris.core.stream import TableStream

_INTERVAL = 0.1


class ProgressMeter:
    """Counts what passes and emits `Progress` at most ten times a second."""

    def __init__(self, step_id: str, emit: Emit) -> None:
        self._step_id = step_id
        self._emit = emit
        self._rows = 0
        self._bytes = 0
        self._next = time.monotonic() + _INTERVAL

    def add(self, rows: int, size: int) -> None:
        """Count rows and bytes."""
        self._rows += rows
        self._bytes += size
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _INTERVAL
            self._emit(Progress(step_id=self._step_id, rows=self._rows, bytes=self._bytes))

    def watch(self, stream: TableStream) -> None:
        """Count what is read from a stream."""
        stream.on_batch = self.add

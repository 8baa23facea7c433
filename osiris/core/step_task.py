"""One step of a running engine: what it is, where it stands, what ends it."""

import threading
import time
from dataclasses import dataclass, field
from enum import Enum, auto

from osiris.core.cancel import CancelToken
from osiris.core.manifest import Step
from osiris.core.outlet import Outlet, Reader
from osiris.core.records import Emit, LogLine, Record
from osiris.core.step_config import StepConfig

KEEPER = "kept output"
"""Name of the edge to the keeper of a step's output."""


class Phase(Enum):
    """Where a task stands; it only ever moves forward."""

    WAITING = auto()
    RUNNING = auto()
    LINGERING = auto()
    """Its table is being read from the source by others; it does nothing itself."""
    COMPLETED = auto()
    FAILED = auto()
    SKIPPED = auto()

    @property
    def ended(self) -> bool:
        """Whether the task is over."""
        return self in {Phase.COMPLETED, Phase.FAILED, Phase.SKIPPED}


@dataclass(eq=False)
class StepTask:
    """A submitted step. `phase` and `claimed` are guarded by the engine's lock.

    `claimed` says that someone is ending the task; `phase` says so when all is recorded.

    `edges` maps each of the step's input names to (the producer's outlet, this reader).
    """

    step: Step
    config: StepConfig
    token: CancelToken
    outlet: Outlet | None
    edges: dict[str, tuple[Outlet, Reader]]
    emit_record: Emit
    phase: Phase = Phase.WAITING
    attempt: int = 1
    started: float = 0.0
    claimed: bool = False
    _silent: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reader(self, name: str) -> Reader:
        """Return this task as the reader of one of its inputs, or of its own output."""
        return Reader(self.step.id, name, replays=self.step.retry is not None and name != KEEPER)

    def emit(self, record: Record) -> None:
        """Record something about this step, unless the step was given up."""
        with self._lock:
            silent = self._silent
        if not silent:
            self.emit_record(record)

    def elapsed_ms(self) -> float:
        """Return the wall time since the step started, in milliseconds."""
        return round((time.monotonic() - self.started) * 1e3, 3)

    def silence(self) -> None:
        """Let nothing more be heard of this step: its driver did not stop when told to."""
        with self._lock:
            self._silent = True

    def log(self, level: int, message: str, traceback: str | None = None) -> None:
        """Write a message about this step to the run's log."""
        self.emit(
            LogLine(
                level=level,
                logger="osiris.engine",
                message=f"{self.step.id}: {message}",
                traceback=traceback,
            )
        )

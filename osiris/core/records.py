"""What an engine tells the world, and the one-line transport it tells it through."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from osiris.core.events import Event
from osiris.core.metrics import Metric


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a running step is; shown live, never kept.

    `rows` and `bytes` are totals so far of what the step produced (read, transform) or wrote.
    """

    step_id: str
    rows: int
    bytes: int
    ts: float = field(default_factory=time.time)


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """One message of the program's own log; `level` is a `logging` level number."""

    level: int
    logger: str
    message: str
    traceback: str | None = None
    ts: float = field(default_factory=time.time)


Record = Event | Metric | Progress | LogLine
Emit = Callable[[Record], None]
"""Takes one record; thread-safe; may raise OSError when the record cannot be kept."""

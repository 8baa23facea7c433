"""The server's clock: real time plus what a test adds, so that a test need not wait an hour."""

import time


class AdjustableClock:
    """Seconds since the epoch that a test can push forward."""

    def __init__(self) -> None:
        self._added = 0.0

    def now(self) -> float:
        """Return the server's time."""
        return time.time() + self._added

    def advance(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._added += seconds

"""Cutting a stream that has fallen silent, and ending the wait for a worker that does not stop."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from osiris.core.cancel import CancelToken
from osiris.remote.errors import WorkerDiedError
from osiris.remote.sandbox import Sandbox

_TICK = 0.25


class Watchdog:
    """Interrupts the sandbox's stream when nothing is heard for too long.

    Each stream in a row that says nothing at all gets twice the time of the one before: where the
    sandbox is slow, a stream may need longer to begin than a silence may last later.

    Args:
        sandbox: whose stream it is.
        silence: seconds after which a silent stream counts as cut.
        cancel: switched when the run should stop.
        to_stop: seconds the worker then has to end.

    """

    def __init__(
        self, sandbox: Sandbox, silence: float, cancel: CancelToken, to_stop: float
    ) -> None:
        self._sandbox = sandbox
        self._silence = self._allowed = silence
        self._cancel = cancel
        self._to_stop = to_stop
        self._heard = time.monotonic()
        self._stopping_since: float | None = None
        self._watched = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._over.set()
        self._thread.join()

    def now(self) -> float:
        """Return the time, in seconds of a clock that only runs forward."""
        return time.monotonic()

    def heard(self) -> None:
        """Take note that the stream lives."""
        self._heard = time.monotonic()
        self._allowed = self._silence

    def pause(self, seconds: float) -> None:
        """Wait before the stream is opened again."""
        self._over.wait(seconds)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch over a stream while the block lasts."""
        self._heard = time.monotonic()
        self._watched = True
        try:
            yield
        finally:
            self._watched = False

    def raise_if_expired(self) -> None:
        """Raise `WorkerDiedError` when the worker was told to stop and has not in time."""
        if self._expired():
            raise WorkerDiedError(
                f"the worker did not stop within {self._to_stop:g} s",
                hint="its sandbox is ended; what it was doing is lost",
            )

    def _expired(self) -> bool:
        if self._stopping_since is None and self._cancel.is_set():
            self._stopping_since = time.monotonic()
        since = self._stopping_since
        return since is not None and time.monotonic() - since > self._to_stop

    def _run(self) -> None:
        while not self._over.wait(_TICK):
            silent = time.monotonic() - self._heard > self._allowed
            if self._watched and (silent or self._expired()):
                self._heard = time.monotonic()
                self._allowed *= 2
                self._sandbox.interrupt()

"""Telling running work to stop, and waking what sleeps in a system call."""

import threading
from collections.abc import Callable

from osiris.core.errors import CancelledError, OsirisError


class CancelToken:
    """A one-way switch with an error as its reason; children are switched with their parent."""

    def __init__(self, parent: "CancelToken | None" = None) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self.reason: OsirisError | None = None
        if parent is not None:
            parent.on_cancel(lambda: self.cancel(parent.reason))

    def cancel(self, reason: OsirisError | None = None) -> None:
        """Switch the token; only the first reason counts. Never raises."""
        with self._lock:
            if self._event.is_set():
                return
            self.reason = reason or CancelledError("the run was cancelled")
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """Tell whether the work should stop."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; return True as soon as the token is switched."""
        return self._event.wait(seconds)

    def raise_if_set(self) -> None:
        """Raise the token's reason when it is switched."""
        if self._event.is_set() and self.reason is not None:
            raise self.reason

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call `callback` when the token is switched (at once if it is); return a way to forget it.

        The callback runs in the thread that cancels; it must be quick and must not raise.
        """
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return lambda: self._forget(callback)
        callback()
        return lambda: None

    def _forget(self, callback: Callable[[], None]) -> None:
        with self._lock:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

"""Sending what waits from a thread of its own, so that a run never waits for a receiver."""

import logging
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_LOG = logging.getLogger("osiris.telemetry")
_AT_MOST = 10_000
"""Messages that wait; more are dropped and counted."""

T = TypeVar("T")


class Outbox(Generic[T]):
    """A bounded queue and the thread that empties it.

    Args:
        name: what is sent, for messages.
        send: sends one; may raise anything and take as long as its own time limit.
        patience: seconds that `close` waits.

    """

    def __init__(self, name: str, send: Callable[[T], object], patience: float = 5.0) -> None:
        self._name = name
        self._send = send
        self._patience = patience
        self._queue: queue.Queue[T | None] = queue.Queue(_AT_MOST)
        self._failed = 0
        self._dropped = 0
        self._thread = threading.Thread(target=self._work, name=f"osiris {name}", daemon=True)
        self._thread.start()

    def put(self, message: T) -> None:
        """Leave a message to be sent; never waits."""
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Wait until all is sent, for so long; say in the log what was not."""
        try:
            self._queue.put(None, timeout=self._patience)
        except queue.Full:
            self._dropped += 1
        self._thread.join(self._patience)
        lost = self._failed + self._dropped + self._queue.qsize()
        if lost or self._thread.is_alive():
            _LOG.warning("%s: %d messages could not be sent", self._name, max(lost, 1))

    def _work(self) -> None:
        while (message := self._queue.get()) is not None:
            try:
                self._send(message)
            except Exception as error:  # noqa: BLE001 - whatever a receiver does, a run goes on
                self._failed += 1
                if self._failed == 1:
                    _LOG.warning("%s: not sent: %s", self._name, error)

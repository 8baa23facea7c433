"""An event loop in a thread, so that synchronous code can use an asynchronous library."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_GRACE_SECONDS = 5.0


class EventLoopThread:
    """Starts with the first call and lives as long as the process."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def call(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Run a coroutine to its end, at most `timeout` seconds; raises what it raises.

        Raises:
            TimeoutError: when the time is over; the coroutine is cancelled.

        """
        future = self.submit(asyncio.wait_for(work, timeout))
        try:
            # The longer wait is only for a coroutine that does not let itself be cancelled.
            return future.result(timeout + _GRACE_SECONDS)
        except BaseException:
            future.cancel()
            raise

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start a coroutine; cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(work, self._running())

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._loop.run_forever, name=self._name, daemon=True
                ).start()
            return self._loop

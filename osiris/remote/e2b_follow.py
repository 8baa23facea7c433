"""A command's output on its way from the SDK's event loop to the thread that reads it."""

import asyncio
import concurrent.futures
import contextlib
import queue
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from osiris.remote.e2b_errors import row_for
from osiris.remote.errors import SandboxUnreachableError
from osiris.remote.event_loop_thread import EventLoopThread

OnOutput = Callable[[str], Awaitable[None]]
Start = Callable[[OnOutput], Awaitable[Any]]

_WAITING_PIECES = 256
_PAUSE_SECONDS = 0.01
_LET_GO_SECONDS = 10.0
_BY_SIGNAL = -1  # what E2B gives as the exit code


class Following:
    """One `follow` under way; `start` runs the command and returns the SDK's handle of it."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._future: concurrent.futures.Future[None] | None = None
        self._error: BaseException | None = None

    def begin(self, loop: EventLoopThread) -> None:
        """Run the command on the loop."""
        self._future = loop.submit(self._work())

    def pieces(self) -> Iterator[bytes]:
        """Give the output until the end; raises what the SDK raised, as it is."""
        while (piece := self._pieces.get()) is not None:
            yield piece
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End it now, from any thread, whatever state its stream is in."""
        if self._error is None:
            self._error = SandboxUnreachableError("the stream was ended on purpose")
        self._pieces.put(None)
        if self._future is not None:
            self._future.cancel()

    async def _work(self) -> None:
        handle: Any = None
        try:
            handle = await self._start(self._take)
            await handle.wait()
        except asyncio.CancelledError:
            await _let_go(handle)
            raise
        except Exception as error:  # noqa: BLE001 - raised in the thread that reads
            self._error = self._error or _as_cut(error)
        finally:
            self._pieces.put(None)

    async def _take(self, text: str) -> None:
        """Pass output on; a reader that lags slows the command, not the memory."""
        while self._pieces.qsize() >= _WAITING_PIECES:  # noqa: ASYNC110 - emptied by another thread
            await asyncio.sleep(_PAUSE_SECONDS)
        self._pieces.put(text.encode())


def _as_cut(error: Exception) -> Exception:
    """Return the error of a command that a signal has ended as that of a cut stream."""
    if getattr(error, "exit_code", None) == _BY_SIGNAL:
        return SandboxUnreachableError(f"the command was ended by a signal: {error}")
    return error


async def _let_go(handle: Any) -> None:
    """Close the stream and end the command, which nobody reads any more, if it can be reached."""
    if handle is None:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LET_GO_SECONDS):
            await handle.disconnect()
            try:
                await handle.kill()
            except Exception as error:
                if row_for(error) is None:
                    raise

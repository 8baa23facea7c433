"""The event loop in a thread: calls are bounded, and errors arrive as they are."""

import asyncio
import threading
import time

import pytest

from osiris.remote.event_loop_thread import EventLoopThread


@pytest.fixture(scope="module")
def loop() -> EventLoopThread:
    return EventLoopThread("test-loop")


def test_calls_from_many_threads_run_on_one_loop(loop: EventLoopThread) -> None:
    async def where() -> tuple[str, int]:
        await asyncio.sleep(0.01)
        return threading.current_thread().name, id(asyncio.get_running_loop())

    found: set[tuple[str, int]] = set()
    threads = [threading.Thread(target=lambda: found.add(loop.call(where(), 60))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((name, _),) = found
    assert name == "test-loop"


def test_an_error_arrives_as_it_is(loop: EventLoopThread) -> None:
    async def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        loop.call(fail(), 60)


def test_a_call_that_takes_too_long_is_cancelled(loop: EventLoopThread) -> None:
    cancelled = threading.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            cancelled.set()

    started = time.monotonic()
    with pytest.raises(TimeoutError):
        loop.call(hang(), 0.2)
    assert time.monotonic() - started < 60
    assert cancelled.wait(60)


def test_what_is_submitted_can_be_cancelled(loop: EventLoopThread) -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.sleep(600)
        finally:
            cancelled.set()

    future = loop.submit(hang())
    assert begun.wait(60)
    future.cancel()
    assert cancelled.wait(60)

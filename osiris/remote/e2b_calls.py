"""Calls of the E2B SDK from synchronous code: bounded in time, their errors turned into ours."""

import contextlib
from collections.abc import Coroutine, Iterator
from typing import Any, Final, TypeVar

from osiris.remote.e2b_errors import as_sandbox_error
from osiris.remote.event_loop_thread import EventLoopThread

T = TypeVar("T")

LOOP: Final = EventLoopThread("osiris-e2b")


def call(doing: str, work: Coroutine[Any, Any, T], seconds: float, sandbox_id: str = "") -> T:
    """Run the SDK's coroutine to its end; `doing` completes "cannot …" in the error."""
    with translated(doing, sandbox_id):
        return LOOP.call(work, seconds)


@contextlib.contextmanager
def translated(doing: str, sandbox_id: str = "") -> Iterator[None]:
    """Raise the SDK's and the network's errors as ours; let bugs pass."""
    try:
        yield
    except Exception as error:
        mapped = as_sandbox_error(error, doing=doing, sandbox_id=sandbox_id)
        if mapped is None:
            raise
        raise mapped from error

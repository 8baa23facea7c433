"""How long a cut way to a sandbox is tried again before the sandbox counts as lost."""

import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from osiris.remote.errors import SandboxGoneError, SandboxUnreachableError
from osiris.remote.sandbox import Sandbox

T = TypeVar("T")

_FIRST_WAIT = 0.05
_LONGEST_WAIT = 3.0


def waits() -> Iterator[float]:
    """Yield the seconds to wait before each further try: longer and longer, up to a bound."""
    wait = _FIRST_WAIT
    while True:
        yield wait
        wait = min(2 * wait, _LONGEST_WAIT)


class Patience:
    """Tries calls again as long as the sandbox may still live.

    `seconds` is how long the way to it may be cut.
    """

    def __init__(self, sandbox: Sandbox, seconds: float) -> None:
        self._sandbox = sandbox
        self.seconds = seconds

    def tries(self, call: Callable[[], T]) -> T:
        """Return what `call` returns, once the way is free.

        Raises `SandboxUnreachableError` when it stays cut too long and `SandboxGoneError` when the
        sandbox has ended; other errors of `call` at once.
        """
        give_up = time.monotonic() + self.seconds
        for wait in waits():
            try:
                return call()
            except SandboxUnreachableError:
                self.check_alive()
                if time.monotonic() + wait > give_up:
                    raise
            time.sleep(wait)
        raise AssertionError("the waits have no end")

    def check_alive(self) -> None:
        """Raise `SandboxGoneError` when the sandbox has ended; what cannot be asked may live."""
        try:
            alive = self._sandbox.alive()
        except SandboxUnreachableError:
            return
        if not alive:
            raise SandboxGoneError(
                f"sandbox {self._sandbox.id} does not exist any more",
                hint="it expired, was killed, or was lost by its provider; run it again",
            )

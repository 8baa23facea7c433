"""What the threads of steps write to `sys.stdout` and `sys.stderr`, kept apart from the program's.

For runs inside of somebody else's program: its own threads print where they always did, and so does
whatever writes to the file descriptors, which belong to the whole process.
"""

import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

from osiris.core.printed import STREAMS
from osiris.core.step_thread import listener_here


class RoutedStream:
    """Stands for `sys.stdout` or `sys.stderr`: what a step's thread writes goes to its run."""

    def __init__(self, name: str, real: TextIO) -> None:
        self._name = name
        self._real = real
        self.buffer = _RoutedBytes(name, getattr(real, "buffer", None))

    def write(self, text: str) -> int:
        """Write text to whom it concerns."""
        listener = listener_here()
        if listener is None:
            return self._real.write(text)
        listener.heard(self._name, text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Be the real stream in all else."""
        return getattr(self._real, name)


class _RoutedBytes:
    """The same for the bytes below the text."""

    def __init__(self, name: str, real: Any) -> None:
        self._name = name
        self._real = real

    def write(self, data: Any) -> int:
        listener = listener_here()
        if listener is None:
            written: int = self._real.write(data)
            return written
        text = bytes(data).decode("utf-8", "backslashreplace")
        listener.heard(self._name, text)
        return memoryview(data).nbytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Routes:
    """The process's two streams, routed as long as any run wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._routed: dict[str, tuple[TextIO, Any]] = {}

    def begin(self) -> None:
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            for name in STREAMS:
                real = getattr(sys, name)
                if real is not None:
                    self._routed[name] = (real, RoutedStream(name, real))
                    setattr(sys, name, self._routed[name][1])

    def end(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            for name, (real, routed) in self._routed.items():
                if getattr(sys, name) is routed:  # else somebody stands between, and keeps it
                    setattr(sys, name, real)
            self._routed.clear()


_ROUTES: Final = _Routes()


@contextmanager
def routed_streams() -> Iterator[None]:
    """Route what steps' threads print to their runs."""
    _ROUTES.begin()
    try:
        yield
    finally:
        _ROUTES.end()

"""What steps print here, as messages in the run's log: the same ones as in a sandbox."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from osiris.core.masking import Masker
from osiris.core.output_log import OUTPUT_BYTES, OutputLog
from osiris.core.records import Emit, LogLine
from osiris.core.step_thread import belonging_to

STREAMS: Final = ("stdout", "stderr")
_LONGEST: Final = 64 * 1024
AroundThread = Callable[[], AbstractContextManager[None]]
"""Makes a context in which a thread runs that belongs to a step."""


class Printed:
    """Takes bytes of the two streams as they come and emits them by lines; thread-safe."""

    def __init__(self, emit: Emit, masker: Masker) -> None:
        self._emit = emit
        self._masker = masker
        self._lock = threading.RLock()
        self._logs: dict[str, OutputLog] = {}
        self._begun: dict[tuple[int, str], str] = {}
        self._closed = False

    def feed(self, stream: str, data: bytes) -> None:
        """Take bytes that a stream was given."""
        with self._lock:
            if self._closed:  # a step was given up, and its thread goes on
                return
            if stream not in self._logs:
                self._logs[stream] = OutputLog(stream, self._masker.secrets, OUTPUT_BYTES)
            for line in self._logs[stream].feed(data):
                self._emit(LogLine(**line))

    def heard(self, stream: str, text: str) -> None:
        """Take what the calling thread wrote: its lines do not get mixed with another's."""
        key = (threading.get_ident(), stream)
        whole, newline, rest = (self._begun.pop(key, "") + text).rpartition("\n")
        if len(rest) > _LONGEST:  # not as a line of its own: a secret may go on
            whole, newline, rest = whole + newline + rest, "", ""
        if rest:
            self._begun[key] = rest
        if whole or newline:
            self.feed(stream, (whole + newline).encode("utf-8", "backslashreplace"))

    @contextmanager
    def thread(self) -> Iterator[None]:
        """Hear what the calling thread prints from now on; at the end, what it has begun."""
        with belonging_to(self):
            yield
        for stream in STREAMS:
            if (threading.get_ident(), stream) in self._begun:
                self.heard(stream, "\n")

    def close(self) -> None:
        """Emit what is left of both streams."""
        with self._lock:
            self._closed = True
            for log in self._logs.values():
                for line in log.finish():
                    self._emit(LogLine(**line))

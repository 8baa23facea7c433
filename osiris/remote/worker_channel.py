"""The worker's way to its runner: records, masked, one a line, through a pipe."""

import os
import signal
import threading
import time
from dataclasses import asdict
from typing import Any

from osiris.core.masking import Masker
from osiris.core.records import Record
from osiris.remote.record_wire import to_wire
from osiris.remote.rpc_protocol import MAX_RECORD, Response, record_bytes

_LONGEST_TEXT = 64 * 1024


class WorkerChannel:
    """Writes records and answers to the runner; thread-safe.

    Args:
        fd: the pipe to the runner.
        masker: the secrets that must not get there: the runner writes all it gets into files.

    """

    def __init__(self, fd: int, masker: Masker) -> None:
        self._fd = fd
        self._masker = masker
        self._lock = threading.Lock()
        os.set_inheritable(fd, False)  # noqa: FBT003 - it has no name

    def emit(self, record: Record) -> None:
        """Send a record; see `core.records.Emit`."""
        self._send(*to_wire(record))

    def respond(self, response: Response) -> None:
        """Send the answer to a command."""
        self._send("response", time.time(), asdict(response))

    def close(self) -> None:
        """Say that nothing more comes; what a thread still has to say is lost on purpose."""
        with self._lock:
            os.close(self._fd)
            self._fd = -1

    def _send(self, kind: str, ts: float, data: dict[str, Any]) -> None:
        data = self._masker.record(data)
        line = record_bytes(kind, ts, data)
        if len(line) > MAX_RECORD:
            line = record_bytes(kind, ts, _shortened(data))
        with self._lock:
            if self._fd < 0:
                return
            try:
                _write(self._fd, line + b"\n")
            except OSError:  # the runner is dead: nothing that happens here will be known
                os.killpg(os.getpgrp(), signal.SIGKILL)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _shortened(value: Any) -> Any:
    """Return a copy of a JSON-like value with every long text in it cut."""
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return f"{value[:_LONGEST_TEXT]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shortened(item) for item in value]
    return value

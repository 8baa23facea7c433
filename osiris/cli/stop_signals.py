"""SIGINT and SIGTERM during a run: the first asks it to stop, the second ends the process."""

import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from osiris.cli import streams
from osiris.cli.json_lines import json_line, speaks_json
from osiris.cli.screen import note
from osiris.core.cancel import CancelToken
from osiris.core.errors import CancelledError, TerminatedError

_REASONS: dict[int, type[CancelledError]] = {
    signal.SIGINT: CancelledError,
    signal.SIGTERM: TerminatedError,
}


def stop_at_signals() -> CancelToken:
    """Return a token that the first signal switches, from now to the end of the process.

    The handlers are there before anything heavy is imported, where an interrupt can come out as
    any error, and stay when the run is over: its exit code must not be lost to a late signal.
    """
    cancel = CancelToken()
    asked = threading.Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        reason = _REASONS[number]
        if asked.is_set():
            _say("stopped at once; what the run's records say ends here")
            os._exit(reason.exit_code)
        asked.set()
        # The main thread may hold a lock that this needs: another thread waits for it.
        threading.Thread(target=_stop, args=(cancel, number), daemon=True).start()

    for number in _REASONS:
        signal.signal(number, handle)
    return cancel


def _stop(cancel: CancelToken, number: int) -> None:
    name = signal.Signals(number).name
    note(f"{name}: stopping between batches; once more stops at once")
    cancel.cancel(_REASONS[number](f"the run was stopped by {name}"))


def _say(text: str) -> None:
    """Write a line to stderr past its buffer, which the interrupted code may be writing to."""
    if speaks_json():
        text = json_line("note", {"message": text})
    with suppress(OSError, ValueError, AttributeError):  # it is full, closed, or was never there
        stream: Any = streams.stderr()
        os.write(stream.fileno(), f"{text}\n".encode())

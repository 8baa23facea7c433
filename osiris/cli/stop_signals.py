"""SIGINT and SIGTERM during a run: the first asks it to stop, the second ends the process."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from osiris.cli.screen import note
from osiris.core.cancel import CancelToken
from osiris.core.errors import CancelledError, TerminatedError

_REASONS: dict[int, type[CancelledError]] = {
    signal.SIGINT: CancelledError,
    signal.SIGTERM: TerminatedError,
}


@contextmanager
def stop_signals(cancel: CancelToken) -> Iterator[None]:
    """Switch `cancel` at the first signal; put the handlers back as they were afterwards."""
    asked = threading.Event()

    def handle(number: int, _frame: FrameType | None) -> None:
        reason = _REASONS[number]
        if asked.is_set():
            note("stopped at once; what the run's records say ends here")
            os._exit(reason.exit_code)
        asked.set()
        name = signal.Signals(number).name
        note(f"{name}: stopping between batches; once more stops at once")
        error = reason(f"the run was stopped by {name}")
        # The main thread may hold a lock that cancelling needs: another thread waits for it.
        threading.Thread(target=cancel.cancel, args=(error,), daemon=True).start()

    before = {number: signal.signal(number, handle) for number in _REASONS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

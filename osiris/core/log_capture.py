"""Messages of the standard library's `logging` as records."""

import logging
import traceback
from contextlib import ExitStack
from typing import Final

from osiris.core.log_levels import LEVELS, OURS, OursHandler
from osiris.core.records import Emit, LogLine
from osiris.core.step_thread import Listener, run_of_this_thread

MOST_DEBUG: Final = 10_000
"""DEBUG messages that are kept of one library's logger."""


class LogCapture(OursHandler):
    """A handler on the root logger that emits every message as a `LogLine`.

    Osiris's own loggers are let through at every level; others at the level the program set, or
    every level while `log_levels.every_logger` is on.

    Args:
        emit: takes the records.
        run: messages from threads that belong to another run are left to that one.

    """

    def __init__(self, emit: Emit, run: Listener | None = None) -> None:
        super().__init__(logging.DEBUG)
        self._emit = emit
        self._run = run
        self._levels = ExitStack()
        self._debug: dict[str, int] = {}

    def install(self) -> None:
        """Begin to capture."""
        self._levels.enter_context(LEVELS.changed(OURS, level=logging.DEBUG))
        logging.getLogger().addHandler(self)

    def remove(self) -> None:
        """Stop capturing and leave logging as it was."""
        logging.getLogger().removeHandler(self)
        self._levels.close()

    def filter(self, record: logging.LogRecord) -> bool:
        """Leave out what another run gets, and a library's DEBUG messages beyond a number."""
        here = run_of_this_thread()
        if here is not None and self._run is not None and here is not self._run:
            return False
        if record.levelno > logging.DEBUG or record.name.partition(".")[0] == OURS:
            return True
        return self._few(record.name)

    def _few(self, name: str) -> bool:
        count = self._debug[name] = self._debug.get(name, 0) + 1
        if count == MOST_DEBUG + 1:
            LEVELS.mute(name)
            text = f"more than {MOST_DEBUG} DEBUG messages; the rest is not kept"
            self._emit(LogLine(level=logging.INFO, logger=name, message=text))
        return count <= MOST_DEBUG

    def emit(self, record: logging.LogRecord) -> None:
        """Turn a message into a record."""
        trace = record.exc_text
        if record.exc_info and record.exc_info[0] is not None:
            trace = "".join(traceback.format_exception(*record.exc_info))
        try:
            message = record.getMessage()
        except (TypeError, ValueError) as error:  # the caller's format and arguments do not match
            message = f"{record.msg} {record.args} ({error})"
        self._emit(
            LogLine(
                level=record.levelno,
                logger=record.name,
                message=message,
                traceback=trace,
                ts=record.created,
            )
        )

"""Messages of the standard library's `logging` as records."""

import logging
import traceback

from osiris.core.records import Emit, LogLine


class LogCapture(logging.Handler):
    """A handler on the root logger that emits every message as a `LogLine`.

    Osiris's own loggers are let through at every level; others at the level the program set.
    """

    def __init__(self, emit: Emit) -> None:
        super().__init__(logging.DEBUG)
        self._emit = emit
        self._ours = logging.getLogger("osiris")
        self._level_before = self._ours.level

    def install(self) -> None:
        """Begin to capture."""
        self._level_before = self._ours.level
        self._ours.setLevel(logging.DEBUG)
        logging.getLogger().addHandler(self)

    def remove(self) -> None:
        """Stop capturing and leave logging as it was."""
        logging.getLogger().removeHandler(self)
        self._ours.setLevel(self._level_before)

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

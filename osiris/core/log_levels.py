"""Which messages of the standard library's `logging` are made while steps run, and who gets them.

A library's messages are made when its logger's level says so, for all handlers alike. For a run the
levels are lowered, and the handlers that the program had before get what they got before: whoever
calls Osiris from Python sees no more on the console than without it.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

OURS: Final = "osiris"
_ROOT: Final = ""
_WIRE: Final = ("botocore", "h2", "hpack", "httpcore")
"""Libraries that log each byte they send, encoded credentials included: not below INFO."""


class OursHandler(logging.Handler):
    """A handler that gets the messages which are only made for a run."""


class LogLevels:
    """The levels that were changed, each with what it was before; several runs may want it so."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: dict[str, int] = {}
        self._wanted: dict[str, int] = {}
        self._muted: list[str] = []
        self._filter = _AsBefore(self)

    @contextmanager
    def changed(self, *names: str, level: int) -> Iterator[None]:
        """Set levels until all who want that are gone; of libraries, those that have none yet."""
        with self._lock:
            for name in names:
                self._change(name, level)
        try:
            yield
        finally:
            with self._lock:
                for name in names:
                    self._restore(name)

    def _change(self, name: str, level: int) -> None:
        if not self._before:
            for handler in _others():
                handler.addFilter(self._filter)
        self._wanted[name] = self._wanted.get(name, 0) + 1
        if name not in self._before:
            logger = logging.getLogger(name)
            self._before[name] = logger.level
            kept = logger.level if name in _WIRE else logging.NOTSET
            logger.setLevel(kept or level)

    def _restore(self, name: str) -> None:
        self._wanted[name] -= 1
        if self._wanted[name]:
            return
        self._reset(name)
        while name == _ROOT and self._muted:
            self._reset(self._muted.pop())
        if not self._before:
            for handler in _others():
                handler.removeFilter(self._filter)

    def _reset(self, name: str) -> None:
        logging.getLogger(name).setLevel(self._before.pop(name))

    def mute(self, name: str) -> None:
        """Let a library make no more DEBUG messages while steps run, unless the program wants them.

        That costs the library next to nothing, however much it has to say.
        """
        with self._lock:
            if _ROOT not in self._before or name in self._before:
                return
            if self.before(name) > logging.DEBUG:
                self._muted.append(name)
                self._before[name] = logging.getLogger(name).level
                logging.getLogger(name).setLevel(logging.INFO)

    def before(self, name: str) -> int:
        """Return the level from which on a logger would make messages if there were no run."""
        logger: logging.Logger | None = logging.getLogger(name)
        while logger is not None:
            key = _ROOT if logger.parent is None else logger.name
            level = self._before.get(key, logger.level)
            if level:
                return level
            logger = logger.parent
        return logging.NOTSET


class _AsBefore(logging.Filter):
    """Passes what a handler would have got without the run."""

    def __init__(self, levels: LogLevels) -> None:
        super().__init__()
        self._levels = levels

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= self._levels.before(record.name)


def _others() -> list[logging.Handler]:
    """Return the handlers of all loggers but those that are ours."""
    root = logging.getLogger()
    loggers = [x for x in root.manager.loggerDict.values() if isinstance(x, logging.Logger)]
    handlers = [handler for logger in (root, *loggers) for handler in logger.handlers]
    return [handler for handler in handlers if not isinstance(handler, OursHandler)]


LEVELS: Final = LogLevels()


@contextmanager
def every_logger() -> Iterator[None]:
    """Let the messages of all libraries through, at every level, while steps run here."""
    with LEVELS.changed(_ROOT, level=logging.DEBUG), LEVELS.changed(*_WIRE, level=logging.INFO):
        yield

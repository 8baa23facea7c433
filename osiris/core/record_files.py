"""The record files of a run: JSON lines and log lines, appended in the order they came."""

import json
import logging
import os
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from osiris.core.layout import RunLayout
from osiris.core.metrics import Metric
from osiris.core.records import LogLine


def iso_time(ts: float) -> str:
    """Return seconds since the epoch as ISO 8601 in UTC with microseconds."""
    return datetime.fromtimestamp(ts, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def json_line(data: dict[str, Any]) -> bytes:
    """Return one JSON object as one line of UTF-8; what JSON does not know becomes a string."""
    text = json.dumps(data, ensure_ascii=False, default=str, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"


class AppendFile:
    """A file of lines: each is written whole and at once, or kept and written before the next."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._pending = bytearray()

    def write(self, line: bytes) -> None:
        """Append a line; raise OSError when it had to be kept back."""
        self._pending += line
        self.flush()

    def flush(self) -> None:
        """Write what was kept back."""
        while self._pending:
            written = os.write(self._fd, self._pending)
            del self._pending[:written]

    def close(self) -> None:
        """Write what was kept back, if that is possible now, and close."""
        try:
            self.flush()
        finally:
            fd, self._fd = self._fd, -1
            os.close(fd)


class RecordFiles:
    """events.jsonl, metrics.jsonl, osiris.log and debug.log of one run."""

    def __init__(self, layout: RunLayout) -> None:
        self._session = layout.session
        with ExitStack() as opened:  # all, or none is left open
            self._events = opened.enter_context(closing(AppendFile(layout.events)))
            self._metrics = opened.enter_context(closing(AppendFile(layout.metrics)))
            self._log = opened.enter_context(closing(AppendFile(layout.log)))
            self._debug = opened.enter_context(closing(AppendFile(layout.debug_log)))
            opened.pop_all()

    def event(self, data: dict[str, Any]) -> None:
        """Append an event, given as `event_to_dict` has it."""
        rest = {key: value for key, value in data.items() if key not in {"ts", "event"}}
        head = {"ts": iso_time(data["ts"]), "session": self._session, "event": data["event"]}
        self._events.write(json_line({**head, **rest}))

    def metric(self, metric: Metric) -> None:
        """Append a metric."""
        self._metrics.write(
            json_line(
                {
                    "ts": iso_time(metric.ts),
                    "session": self._session,
                    "metric": str(metric.name),
                    "value": metric.value,
                    "unit": metric.unit,
                    "tags": metric.tags,
                }
            )
        )

    def log(self, line: LogLine) -> None:
        """Append a message to debug.log and, from INFO up, to osiris.log."""
        level = logging.getLevelName(line.level)
        text = f"{iso_time(line.ts)} {level:<8} {line.logger}: {line.message}\n"
        if line.level >= logging.INFO:
            self._log.write(text.encode("utf-8", "backslashreplace"))
        if line.traceback:
            text += line.traceback.rstrip("\n") + "\n"
        self._debug.write(text.encode("utf-8", "backslashreplace"))

    def close(self) -> None:
        """Close all files; raise the first OSError after trying each."""
        failed: OSError | None = None
        for file in (self._events, self._metrics, self._log, self._debug):
            try:
                file.close()
            except OSError as error:
                failed = failed or error
        if failed is not None:
            raise failed

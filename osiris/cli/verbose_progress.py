"""Every event, metric and message of a run as it comes, one line each."""

import json
import logging
from typing import Any

from osiris.cli.clock import clock
from osiris.cli.screen import harmless, note
from osiris.core.events import Event, event_to_dict
from osiris.core.metrics import Metric
from osiris.core.records import LogLine, Progress, Record


class VerboseProgress:
    """Writes a line for each record that is kept, and tracebacks as they are.

    `prefix` says where the steps run and stands before each line.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def take(self, record: Record) -> None:
        """Take one record of the run."""
        if isinstance(record, Progress):
            return
        self._note(f"{clock(record.ts)} {harmless(record_text(record))}")
        if isinstance(record, LogLine) and record.traceback:
            self._note(harmless(record.traceback.rstrip("\n")))

    def _note(self, text: str) -> None:
        note("\n".join(self._prefix + line for line in text.split("\n")))


def record_text(record: Event | Metric | LogLine) -> str:
    """Return a record in one line: its name, then what it says."""
    if isinstance(record, LogLine):
        level = logging.getLevelName(record.level).lower()
        return f"{level} {record.logger}: {record.message}"
    if isinstance(record, Metric):
        tags = "".join(f" {key}={value}" for key, value in record.tags.items())
        return f"{record.name} {record.value:g} {record.unit}{tags}"
    data = event_to_dict(record)
    return members_text(data.pop("event"), {k: v for k, v in data.items() if k != "ts"})


def members_text(name: str, members: dict[str, Any]) -> str:
    """Return a name and its members as `name key=value …`; what is empty is left out."""
    shown = (f"{key}={_value(value)}" for key, value in members.items() if value not in (None, {}))
    return " ".join([name, *shown])


def _value(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if value and value.split() == [value] else json.dumps(value, ensure_ascii=False)

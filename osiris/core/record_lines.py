"""Reading record files back, whatever state they were left in."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from osiris.core.events import Event, event_from_dict
from osiris.core.regular_file import UnusableFileError, open_regular_file
from osiris.core.sound import is_sound

_LONGEST = 16 * 1024 * 1024
"""Bytes of a line that are read at most; a longer one counts as damaged."""


class RecordLines:
    """The JSON objects of a JSON Lines file, in order.

    A line that is no JSON object is passed over and counted in `damaged`; the last line of a run
    that was killed may be half a one. A file that is not there, or is none, has no lines.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.damaged = 0
        try:
            with open_regular_file(self.path) as file:
                while line := file.readline(_LONGEST):
                    record = parsed_line(line)
                    if record is None:
                        self.damaged += 1
                    else:
                        yield record
        except (OSError, UnusableFileError):
            return

    def events(self) -> Iterator[Event]:
        """Iterate over the lines as events; one that is not sound counts as damaged."""
        for record in self:
            event = known_event(record)
            if event is None:
                self.damaged += 1
            else:
                yield event


def seconds(iso: object) -> float | None:
    """Return a record's time in seconds since the epoch; None for what is no time."""
    try:
        return datetime.fromisoformat(str(iso)).timestamp()
    except (ValueError, OverflowError):
        return None


def strict_json(data: bytes) -> Any:
    """Return the value of a JSON text; ValueError also for NaN and Infinity, which are not JSON."""
    return json.loads(data, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    msg = f"{constant} is not JSON"
    raise ValueError(msg)


def parsed_line(line: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a line is; None when it is none."""
    try:
        record = strict_json(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def known_event(record: dict[str, Any]) -> Event | None:
    """Return the event that a JSON object is; None when it is not sound."""
    ts, name = seconds(record.get("ts")), record.get("event")
    if ts is None or not isinstance(name, str):
        return None
    rest = {key: value for key, value in record.items() if key not in {"ts", "session", "event"}}
    event = event_from_dict({**rest, "ts": ts, "event": name})
    return event if is_sound(event) else None

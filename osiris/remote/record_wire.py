"""A run's records as they cross the wire: to type, time and data, and back."""

import math
from collections.abc import Callable
from typing import Any

from osiris.core.events import Event, event_from_dict, event_to_dict
from osiris.core.metrics import Metric, MetricName
from osiris.core.records import LogLine, Progress, Record
from osiris.core.sound import is_sound

_LATEST = 32503680000.0
"""Seconds since the epoch of the year 3000; a later time cannot be written as a date by all."""

Wire = tuple[str, float, dict[str, Any]]
"""A record's type, time, and data."""


def to_wire(record: Record) -> Wire:
    """Return the record as data."""
    if isinstance(record, Event):
        data = event_to_dict(record)
        return "event", data.pop("ts"), data
    if isinstance(record, Metric):
        data = {"metric": str(record.name), "value": record.value, "tags": record.tags}
        return "metric", record.ts, data
    if isinstance(record, Progress):
        data = {"step_id": record.step_id, "rows": record.rows, "bytes": record.bytes}
        return "progress", record.ts, data
    data = {
        "level": record.level,
        "logger": record.logger,
        "message": record.message,
        "traceback": record.traceback,
    }
    return "log", record.ts, data


def from_wire(kind: str, ts: float, data: dict[str, Any]) -> Record:
    """Rebuild the record; raise ValueError for what is none."""
    if not (math.isfinite(ts) and 0 <= ts <= _LATEST):
        raise ValueError(f"{ts} is no time")
    try:
        return _BUILDERS[kind](ts, data)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a record of type {kind!r}: {error}") from error


def _event(ts: float, data: dict[str, Any]) -> Event:
    name = data["event"]
    event = event_from_dict({**data, "ts": ts})
    if not isinstance(name, str) or not is_sound(event):
        raise ValueError(f"an event {name!r:.100} with fields of a wrong type")
    return event


def _metric(ts: float, data: dict[str, Any]) -> Metric:
    value, tags = data["value"], data["tags"]
    if type(value) not in {int, float} or not math.isfinite(value):
        raise ValueError("a metric whose value is no number")
    _must_be(str, *tags, *tags.values())
    return Metric(name=MetricName(data["metric"]), value=value, tags=tags, ts=ts)


def _progress(ts: float, data: dict[str, Any]) -> Progress:
    _must_be(str, data["step_id"])
    _must_be(int, data["rows"], data["bytes"])
    return Progress(step_id=data["step_id"], rows=data["rows"], bytes=data["bytes"], ts=ts)


def _log(ts: float, data: dict[str, Any]) -> LogLine:
    _must_be(int, data["level"])
    _must_be(str, data["logger"], data["message"], data["traceback"] or "")
    return LogLine(
        level=data["level"],
        logger=data["logger"],
        message=data["message"],
        traceback=data["traceback"],
        ts=ts,
    )


_BUILDERS: dict[str, Callable[[float, dict[str, Any]], Record]] = {
    "event": _event,
    "metric": _metric,
    "progress": _progress,
    "log": _log,
}


def _must_be(kind: type, *values: object) -> None:
    if any(type(value) is not kind for value in values):
        raise ValueError(f"not all of {values!r:.100} are {kind.__name__}")

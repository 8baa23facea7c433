"""Progress as lines with the time: what starts, what ends, and now and then how far it is."""

import logging
from collections.abc import Callable

from osiris.cli import amounts
from osiris.cli.clock import clock
from osiris.cli.screen import harmless, note
from osiris.core import events as ev
from osiris.core.records import LogLine, Progress, Record

_SILENCE = 30.0
"""Seconds after which a step that is still running says how far it is."""

_PLACE = "osiris.sandbox"
"""The logger of the place where the steps run; its warnings are of no step, so no line has them."""


class PlainProgress:
    """Writes one line for each step that starts, ends, or takes long."""

    def __init__(self, write: Callable[[str], None] = note) -> None:
        self._write = write
        self._started: dict[str, float] = {}
        self._spoke: dict[str, float] = {}

    def take(self, record: Record) -> None:
        """Take one record of the run."""
        text = self._text(record)
        if text is not None:
            self._write(f"{clock(record.ts)} {harmless(text)}")

    def _text(self, record: Record) -> str | None:
        if isinstance(record, ev.StepStart):
            self._started[record.step_id] = self._spoke[record.step_id] = record.ts
        if isinstance(record, ev.StepEvent):
            return step_text(record, self._started.get(record.step_id, record.ts))
        if isinstance(record, ev.RunStart):
            return f"running {record.pipeline}, {record.steps_total} steps"
        if isinstance(record, Progress):
            return self._long(record)
        if isinstance(record, LogLine) and record.logger == _PLACE:
            return record.message if record.level >= logging.WARNING else None
        return None

    def _long(self, record: Progress) -> str | None:
        if record.ts - self._spoke.get(record.step_id, record.ts) < _SILENCE:
            return None
        self._spoke[record.step_id] = record.ts
        return f"{record.step_id}: {amounts.rows(record.rows)} rows, {amounts.size(record.bytes)}"


def step_text(event: ev.StepEvent, started: float) -> str | None:
    """Return what an event says about its step, None for one that says nothing to a person."""
    taken = amounts.duration(event.ts - started)
    match event:
        case ev.StepStart():
            return f"{event.step_id}: started ({event.component})"
        case ev.StepComplete():
            count = event.rows_written if event.rows_written is not None else event.rows_out
            return f"{event.step_id}: completed, {amounts.rows(count)} rows in {taken}"
        case ev.StepFailed():
            return f"{event.step_id}: failed after {taken}: {event.error.get('message')}"
        case ev.StepSkipped():
            because = f" because of {event.because}" if event.because else ""
            return f"{event.step_id}: skipped ({event.reason}{because})"
        case _:
            return _trouble_text(event)


def _trouble_text(event: ev.StepEvent) -> str | None:
    match event:
        case ev.StepRetry():
            reason = event.error.get("message")
            return (
                f"{event.step_id}: try {event.attempt} of {event.attempts} failed: {reason}; "
                f"next in {amounts.duration(event.delay_seconds)}"
            )
        case ev.ArtifactPublishFailed():
            return f"{event.step_id}: cannot publish {event.path}: {event.error.get('message')}"
        case ev.DataWarning():
            return f"{event.step_id}: warning: {event.message} ({amounts.rows(event.count)} values)"
        case _:
            return None

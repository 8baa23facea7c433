"""What one run left behind, read from its directory; nothing in it is taken for granted."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osiris.core.layout import RunLayout
from osiris.core.record_lines import RecordLines
from osiris.core.regular_file import UnusableFileError, open_regular_file, read_regular_file
from osiris.core.status import StepState
from osiris.parity.comparison import MISSING, Side
from osiris.parity.file_facts import FileFact, file_facts
from osiris.parity.may_differ import OwnNames

_LARGEST = 64 * 1024 * 1024
"""Bytes of a file of records that are taken into memory at most."""


@dataclass(frozen=True)
class Records:
    """The JSON objects of a file of records, and what keeps them from being all there are."""

    items: tuple[dict[str, Any], ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Evidence:
    """One run.

    `status` is empty when there is none that can be used; `status_problem` says why. `files` are
    all files of the directory by their path in it.
    """

    layout: RunLayout
    side: Side
    own: OwnNames
    status: dict[str, Any]
    status_problem: str | None
    events: Records
    metrics: Records
    files: dict[str, FileFact]

    def steps_in(self, states: Collection[StepState]) -> set[str]:
        """Return the steps that status.json says ended in one of the states."""
        steps = self.status.get("steps")
        told = steps.items() if isinstance(steps, dict) else ()
        return {
            name
            for name, step in told
            if isinstance(step, dict) and any(step.get("state") == state for state in states)
        }


def read_evidence(directory: Path) -> Evidence:
    """Read everything but the contents of large files."""
    layout = RunLayout(directory.absolute())
    status, problem = _status(layout.status)
    events = _records(layout.events)
    session = _session(status, events) or layout.session
    return Evidence(
        layout=layout,
        side=Side(
            session=session,
            directory=layout.root,
            pipeline=_text(status, "pipeline"),
            adapter=_text(status, "adapter"),
            state=_text(status, "state"),
            osiris_version=_text(status, "osiris_version"),
        ),
        own=OwnNames(layout.root, session),
        status=status,
        status_problem=problem,
        events=events,
        metrics=_records(layout.metrics),
        files=file_facts(layout),
    )


def _status(path: Path) -> tuple[dict[str, Any], str | None]:
    try:
        data = json.loads(read_regular_file(path, limit=_LARGEST))
    except FileNotFoundError:
        return {}, MISSING
    except UnusableFileError as error:
        return {}, f"unreadable: {error}"
    except (ValueError, RecursionError):
        return {}, "damaged"
    return (data, None) if isinstance(data, dict) else ({}, "damaged")


def _records(path: Path) -> Records:
    try:
        with open_regular_file(path) as file:
            size = file.seek(0, 2)
    except FileNotFoundError:
        return Records(problem=MISSING)
    except (OSError, UnusableFileError) as error:
        return Records(problem=f"unreadable: {error}")
    if size > _LARGEST:
        return Records(problem=f"{size:,} bytes, more than the {_LARGEST:,} that are compared")
    lines = RecordLines(path)
    items = tuple(lines)
    return Records(items, f"{lines.damaged} damaged" if lines.damaged else None)


def _session(status: dict[str, Any], events: Records) -> str | None:
    """Return the id that the run's records give it; its directory may have been renamed."""
    for data in (status, *events.items[:1]):
        session = _text(data, "session")
        if session:
            return session
    return None


def _text(data: dict[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None

"""From a run's directory to its record; nothing in the directory is taken for granted."""

import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from osiris.core.layout import RunLayout
from osiris.core.metrics import MetricName
from osiris.core.record_lines import RecordLines, strict_json
from osiris.core.regular_file import UnusableFileError, read_regular_file
from osiris.core.sound import fits
from osiris.core.status import RunState
from osiris.core.status_file import process_start
from osiris.report.run_events import RunEvents, read_events
from osiris.report.run_record import RunRecord, StepRecord, mapping, number, real, text
from osiris.report.written_tables import written_tables

_LARGEST_STATUS = 64 * 1024 * 1024
_UNKNOWN = "unknown"


def read_run(directory: Path) -> RunRecord:
    """Return everything the directory tells about the run."""
    return _record(directory, whole=True)


def summarize_run(directory: Path) -> RunRecord:
    """Return the run without its steps and outputs; reads the events of unfinished runs only."""
    return _record(directory, whole=False)


def _record(directory: Path, *, whole: bool) -> RunRecord:
    layout = RunLayout(directory)
    status, note = _status(layout.status)
    state, doubt = _state(status)
    over = state in {RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED}
    events = read_events(layout) if whole or not over else RunEvents()
    counts = status if over else {**status, **events.counts()}
    steps = _with_bytes(_steps(status, events), layout) if whole else ()
    if whole and events.damaged:
        note = note or f"{events.damaged} damaged lines in {layout.events.name} are left out"
    return RunRecord(
        session=layout.session,
        directory=directory.absolute(),
        state=state,
        note=note or doubt,
        ok=over and status.get("ok") is True,
        exit_code=number(status, "exit_code"),
        pipeline=text(status, "pipeline") or events.pipeline,
        fingerprint=text(status, "fingerprint") or events.fingerprint,
        adapter=text(status, "adapter") or events.adapter,
        osiris_version=text(status, "osiris_version"),
        host=text(status, "host"),
        pid=number(status, "pid"),
        started_at=text(status, "started_at") or events.first,
        finished_at=text(status, "finished_at"),
        duration_seconds=real(status, "duration_seconds") if over else events.duration_seconds,
        steps_total=number(counts, "steps_total") or 0,
        steps_completed=number(counts, "steps_completed") or 0,
        steps_failed=number(counts, "steps_failed") or 0,
        steps_skipped=number(counts, "steps_skipped") or 0,
        total_rows=number(counts, "total_rows") or 0,
        error=mapping(status, "error") or events.error,
        steps=steps,
        outputs=tuple(events.outputs) if whole else (),
        tables=written_tables(steps, layout),
        warnings=tuple(events.warnings) if whole else (),
    )


def _status(path: Path) -> tuple[dict[str, Any], str | None]:
    """Return status.json, or an empty object and what is wrong with it."""
    try:
        data = strict_json(read_regular_file(path, limit=_LARGEST_STATUS))
    except FileNotFoundError:
        return {}, f"{path.name} is missing"
    except UnusableFileError as error:
        return {}, f"{path.name} cannot be read: {error}"
    except (ValueError, RecursionError):
        return {}, f"{path.name} is damaged"
    if not isinstance(data, dict):
        return {}, f"{path.name} is damaged"
    return data, None


def _state(status: Mapping[str, Any]) -> tuple[str, str | None]:
    """Return the run's state, a dead process taken into account, and what is doubtful about it."""
    told = text(status, "state")
    if told not in set(RunState):
        return _UNKNOWN, "status.json names no state" if status else None
    if told != RunState.RUNNING:
        return told, None
    host = text(status, "host")
    if host != socket.gethostname():
        return told, f"said to be running on {host}; whether it is can only be seen there"
    if _alive(number(status, "pid"), number(status, "process_start")):
        return told, None
    return RunState.CRASHED, "its process is gone without having written how the run ended"


def _alive(pid: int | None, start: int | None) -> bool:
    """Tell whether the very process that began at `start` is still there."""
    if pid is None or pid <= 0:
        return False
    if start is not None:
        return process_start(pid) == start
    try:  # no /proc where the run was started: all there is to ask for is the pid
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _steps(status: Mapping[str, Any], events: RunEvents) -> tuple[StepRecord, ...]:
    """Return the steps in the manifest's order; what status.json says counts most."""
    steps = {step_id: StepRecord(step_id, "pending") for step_id in events.planned}
    steps.update(events.steps())
    for step_id, told in mapping(status, "steps").items():
        if isinstance(told, dict):
            started = events.started.get(step_id)
            steps[step_id] = StepRecord(
                id=step_id,
                state=text(told, "state") or _UNKNOWN,
                component=started.component if started else None,
                mode=started.mode if started else None,
                started_at=text(told, "started_at"),
                duration_ms=real(told, "duration_ms"),
                rows_in={
                    name: rows for name, rows in mapping(told, "rows_in").items() if fits(rows, int)
                },
                rows_out=number(told, "rows_out"),
                rows_written=number(told, "rows_written"),
                attempts=number(told, "attempts") or 1,
                reason=text(told, "reason"),
                because=text(told, "because"),
                error=mapping(told, "error") or None,
            )
    return tuple(steps.values())


def _with_bytes(steps: tuple[StepRecord, ...], layout: RunLayout) -> tuple[StepRecord, ...]:
    """Return the steps with the bytes that the metrics tell of."""
    sizes: dict[tuple[str | None, str | None], int] = {}
    for record in RecordLines(layout.metrics):
        value = number(record, "value")
        if value is not None:
            sizes[text(mapping(record, "tags"), "step"), text(record, "metric")] = value
    return tuple(
        replace(
            step,
            bytes=sizes.get(
                (step.id, MetricName.BYTES_WRITTEN), sizes.get((step.id, MetricName.BYTES_OUT))
            ),
        )
        for step in steps
    )

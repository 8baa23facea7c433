"""A run's outcome: a pure fold of its events plus the error that stopped it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from osiris.core import events as ev
from osiris.core.errors import CancelledError, OsirisError, error_classes


class RunState(StrEnum):
    """Where a run stands; `CRASHED` is never written, only told by who reads a dead run."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CRASHED = "crashed"


class StepState(StrEnum):
    """Where a step stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class StepStatus:
    """One step's outcome; times are seconds since the epoch."""

    state: StepState
    started_at: float | None = None
    finished_at: float | None = None
    rows_in: dict[str, int] = field(default_factory=dict)
    rows_out: int | None = None
    rows_written: int | None = None
    attempts: int = 1
    reason: str | None = None
    because: str | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True)
class RunStatus:
    """The outcome of a run, as status.json holds it beside the run's identity."""

    state: RunState
    ok: bool
    exit_code: int | None
    steps_total: int
    steps_completed: int
    steps_failed: int
    steps_skipped: int
    total_rows: int
    steps: dict[str, StepStatus]
    error: dict[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """Return the status as JSON-ready data."""
        return asdict(self)


class StatusFold:
    """The fold itself, one event at a time, for a run that is still going on."""

    def __init__(self) -> None:
        self.steps: dict[str, StepStatus] = {}
        self.total = 0

    def add(self, event: ev.Event) -> None:
        """Take one event into account."""
        if isinstance(event, ev.RunStart):
            self.total = event.steps_total
        elif isinstance(event, ev.StepEvent):
            before = self.steps.get(event.step_id, StepStatus(StepState.RUNNING))
            after = _step_after(before, event)
            if after is not None:
                self.steps[event.step_id] = after

    def result(self, error: OsirisError | None = None, *, running: bool = False) -> RunStatus:
        """Return the status; `error` is what stopped the run as a whole, if anything did."""
        count = dict.fromkeys(StepState, 0)
        for step in self.steps.values():
            count[step.state] += 1
        first = next((s.error for s in self.steps.values() if s.state is StepState.FAILED), None)
        told = error.to_dict() if error else first
        state, code = _verdict(error, told, done=count[StepState.COMPLETED], total=self.total)
        return RunStatus(
            state=RunState.RUNNING if running else state,
            ok=not running and state is RunState.COMPLETED,
            exit_code=None if running else code,
            steps_total=self.total,
            steps_completed=count[StepState.COMPLETED],
            steps_failed=count[StepState.FAILED],
            steps_skipped=count[StepState.SKIPPED],
            total_rows=sum(step.rows_written or 0 for step in self.steps.values()),
            steps=dict(self.steps),
            error=None if running else told,
        )


def status_of(events: Iterable[ev.Event], total: int, error: OsirisError | None) -> RunStatus:
    """Fold a finished run's events into its status; `total` is the manifest's number of steps."""
    fold = StatusFold()
    fold.total = total
    for event in events:
        fold.add(event)
    return fold.result(error)


def _step_after(before: StepStatus, event: ev.StepEvent) -> StepStatus | None:
    match event:
        case ev.StepStart():
            return replace(before, state=StepState.RUNNING, started_at=event.ts)
        case ev.StepComplete():
            return replace(
                before,
                state=StepState.COMPLETED,
                finished_at=event.ts,
                rows_in=event.rows_in,
                rows_out=event.rows_out,
                rows_written=event.rows_written,
                attempts=event.attempts,
            )
        case ev.StepFailed():
            return replace(
                before,
                state=StepState.FAILED,
                finished_at=event.ts,
                attempts=event.attempts,
                error={**event.error, "step_id": event.step_id},
            )
        case ev.ArtifactPublishFailed():
            error = {**event.error, "step_id": event.step_id}
            return replace(before, state=StepState.FAILED, error=error, rows_written=None)
        case ev.StepSkipped():
            return replace(
                before,
                state=StepState.SKIPPED,
                finished_at=event.ts,
                reason=event.reason,
                because=event.because,
            )
    return None


def _verdict(
    error: OsirisError | None, told: dict[str, Any] | None, *, done: int, total: int
) -> tuple[RunState, int]:
    if isinstance(error, CancelledError):
        return RunState.CANCELLED, error.exit_code
    if error is not None:
        return RunState.FAILED, error.exit_code
    if told is not None:
        known = error_classes().get(str(told.get("code")))
        return RunState.FAILED, known.exit_code if known else 1
    if done != total:
        return RunState.FAILED, 70  # a step ended without a record: a bug, never a success
    return RunState.COMPLETED, 0

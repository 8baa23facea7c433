"""What a run's events alone tell: steps, outputs and warnings, folded as the run itself does."""

from dataclasses import dataclass, field
from typing import Any

from osiris.core import events as ev
from osiris.core.layout import RunLayout
from osiris.core.record_files import iso_time
from osiris.core.record_lines import RecordLines
from osiris.core.status import StatusFold, StepStatus
from osiris.report.run_record import PublishedFile, StepRecord


@dataclass
class RunEvents:
    """The fold of a run's events, and what it has no place for.

    `planned` are the steps of the manifest in its order, as far as they have a config; `damaged`
    lines were left out.
    """

    fold: StatusFold = field(default_factory=StatusFold)
    run: ev.RunStart | None = None
    adapter: str | None = None
    planned: list[str] = field(default_factory=list)
    started: dict[str, ev.StepStart] = field(default_factory=dict)
    outputs: list[PublishedFile] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    damaged: int = 0
    _rows: dict[tuple[str, str], int | None] = field(default_factory=dict)
    _times: list[float] = field(default_factory=list)

    @property
    def pipeline(self) -> str | None:
        """The pipeline's name."""
        return self.run.pipeline if self.run else None

    @property
    def fingerprint(self) -> str | None:
        """The manifest's fingerprint."""
        return self.run.fingerprint if self.run else None

    @property
    def first(self) -> str | None:
        """When the first event happened, as records write times."""
        return iso_time(self._times[0]) if self._times else None

    @property
    def duration_seconds(self) -> float | None:
        """From the first to the last event."""
        return round(self._times[-1] - self._times[0], 6) if self._times else None

    @property
    def error(self) -> dict[str, Any] | None:
        """The error of the first step that failed."""
        return self.fold.result(running=False).error

    def counts(self) -> dict[str, int]:
        """Return how many steps ended how, and the rows written, by the names of status.json."""
        status = self.fold.result(running=True)
        return {
            "steps_total": status.steps_total,
            "steps_completed": status.steps_completed,
            "steps_failed": status.steps_failed,
            "steps_skipped": status.steps_skipped,
            "total_rows": status.total_rows,
        }

    def steps(self) -> dict[str, StepRecord]:
        """Return the steps that anything happened to."""
        return {step_id: self._step(step_id, step) for step_id, step in self.fold.steps.items()}

    def take(self, event: ev.Event) -> None:
        """Take one event into account."""
        self.fold.add(event)
        self._times = [*self._times[:1], event.ts]
        match event:
            case ev.RunStart():
                self.run = event
            case ev.AdapterSelected():
                self.adapter = event.adapter
            case ev.CfgMaterialized():
                self.planned.append(event.step_id)
            case ev.StepStart():
                self.started[event.step_id] = event
            case ev.ArtifactCreated():
                self._rows[event.step_id, event.path] = event.rows
            case ev.ArtifactPublished():
                self._publish(event)
            case ev.DataWarning():
                self.warnings.append(event.data())

    def _publish(self, event: ev.ArtifactPublished) -> None:
        self.outputs.append(
            PublishedFile(
                step=event.step_id,
                path=event.path,
                rows=self._rows.get((event.step_id, event.artifact)),
                bytes=event.bytes,
                sha256=event.sha256,
            )
        )

    def _step(self, step_id: str, step: StepStatus) -> StepRecord:
        started, begin, end = self.started.get(step_id), step.started_at, step.finished_at
        return StepRecord(
            id=step_id,
            state=step.state,
            component=started.component if started else None,
            mode=started.mode if started else None,
            started_at=None if begin is None else iso_time(begin),
            duration_ms=None if begin is None or end is None else round((end - begin) * 1e3, 3),
            rows_in=step.rows_in,
            rows_out=step.rows_out,
            rows_written=step.rows_written,
            attempts=step.attempts,
            reason=step.reason,
            because=step.because,
            error=step.error,
        )


def read_events(layout: RunLayout) -> RunEvents:
    """Read and fold events.jsonl as far as it makes sense."""
    found, lines = RunEvents(), RecordLines(layout.events)
    for event in lines.events():
        found.take(event)
    found.damaged = lines.damaged
    return found

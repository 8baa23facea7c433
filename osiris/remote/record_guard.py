"""What a sandbox's records may say; one that says something else is not believed at all."""

from collections.abc import Mapping
from enum import Enum, auto

from osiris.components.component import Mode
from osiris.core import events as ev
from osiris.core.manifest import Manifest, Step
from osiris.core.metrics import Metric, MetricName
from osiris.core.records import Progress, Record
from osiris.remote.artifact_paths import ArtifactPaths
from osiris.remote.errors import HostileSandboxError

TRANSPORT = "sandbox_"
"""How the names of events begin that only the host may tell."""

_ONCE = {ev.DependencyCheck, ev.DriversRegistered, ev.SessionInitialized, ev.CleanupComplete}
_HOST_ONLY = {ev.CfgMaterialized, ev.ArtifactPublished, ev.ArtifactPublishFailed}
CANCELLED = "cancelled"
SKIP_REASONS = {"upstream_failed", "fail_fast", CANCELLED}
"""Why the engine skips a step (`core.schedule.Verdict`, which needs Arrow to be imported)."""

_ENDS = (ev.StepComplete, ev.StepFailed, ev.StepSkipped)


class Stage(Enum):
    """Where a step stands as far as its records tell."""

    WAITING = auto()
    RUNNING = auto()
    ENDED = auto()


class RecordGuard:
    """Follows every step from its first record to its last, and refuses what cannot be.

    `stages` says where each step of the manifest stands.
    """

    def __init__(self, manifest: Manifest, paths: ArtifactPaths) -> None:
        self._manifest = manifest
        self._paths = paths
        self._seen: set[type[ev.Event]] = set()
        self.stages = dict.fromkeys(manifest.by_id, Stage.WAITING)
        self.cancelled: set[str] = set()

    def check(self, record: Record) -> None:
        """Raise `HostileSandboxError` for a record that the engine would not have made."""
        if isinstance(record, ev.Event):
            self._check_event(record)
        elif isinstance(record, Metric):
            step = record.tags.get("step")
            if record.name is MetricName.SESSION_DURATION_SECONDS:
                raise _lie(f"the metric {record.name} is the host's own")
            if step is not None:
                self._step(step)
        elif isinstance(record, Progress):
            self._step(record.step_id)

    def _check_event(self, event: ev.Event) -> None:
        name = event.event if isinstance(event, ev.ForeignEvent) else event.name
        step_id = event.data().get("step_id")
        if name.startswith(TRANSPORT) or type(event) in _HOST_ONLY:
            raise _lie(f"the event {name} is the host's own")
        if isinstance(step_id, str):
            self._check_step_event(event, name, self._step(step_id))
        elif type(event) not in _ONCE or type(event) in self._seen:
            raise _lie(f"an event {name} that no engine tells, or not again")
        self._seen.add(type(event))

    def _check_step_event(self, event: ev.Event, name: str, step: Step) -> None:
        stage = self.stages[step.id]
        begins = isinstance(event, ev.StepStart)
        allowed = Stage.WAITING if begins else Stage.RUNNING
        never_began = stage is Stage.WAITING and isinstance(event, ev.StepSkipped)
        if stage is not allowed and not never_began:
            raise _lie(f"step {step.id!r} tells {name} when it is {stage.name.lower()}")
        if isinstance(event, ev.StepComplete):
            _check_complete(event, step)
        elif isinstance(event, ev.StepSkipped):
            self._check_skipped(event)
        elif isinstance(event, ev.ArtifactCreated):
            self._check_artifact(event)
        # Only now: a step whose end is not believed has none.
        if isinstance(event, _ENDS):
            self.stages[step.id] = Stage.ENDED
        elif begins:
            self.stages[step.id] = Stage.RUNNING

    def _check_artifact(self, event: ev.ArtifactCreated) -> None:
        self._paths.check_file(event.path, event.bytes, event.sha256)
        if event.path.split("/")[1] != event.step_id:
            raise _lie(f"step {event.step_id!r} tells of {event.path!r}, another step's file")

    def _check_skipped(self, event: ev.StepSkipped) -> None:
        if event.reason not in SKIP_REASONS:
            raise _lie(f"step {event.step_id!r} is skipped for {event.reason!r:.100}")
        if event.reason == CANCELLED:
            self.cancelled.add(event.step_id)

    def _step(self, step_id: str) -> Step:
        step = self._manifest.by_id.get(step_id)
        if step is None:
            raise _lie(f"there is no step {step_id!r:.100}")
        return step


def _check_complete(event: ev.StepComplete, step: Step) -> None:
    """Refuse counts that do not add up: rows are counted by the engine, so they do."""
    counts: Mapping[str, int | None] = {
        **event.rows_in,
        "out": event.rows_out,
        "written": event.rows_written,
    }
    writes = step.mode is Mode.WRITE
    sound = (
        event.rows_in.keys() == step.inputs.keys()
        and all(count is None or count >= 0 for count in counts.values())
        and (event.rows_written is not None) is writes
        and (event.rows_out is None) is writes
        and 1 <= event.attempts <= step.attempts
    )
    if not sound or (writes and event.rows_written != sum(event.rows_in.values())):
        raise _lie(f"step {step.id!r} is complete with counts that cannot be: {dict(counts)}")


def _lie(what: str) -> HostileSandboxError:
    return HostileSandboxError(
        f"the sandbox's records cannot be true: {what}",
        hint="nothing more of this run is believed; look at what runs in the sandbox",
    )

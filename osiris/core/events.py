"""The closed vocabulary of events: what can happen in a run, one dataclass each.

An event's name is the snake case of its class. It is emitted once, where it happens, and stamped
there; `SessionContext` writes it to events.jsonl as `{"ts", "session", "event", …fields}`.
Events that exist only because of a transport begin with `sandbox_`.
"""

import re
import time
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

_CLASSES: dict[str, type["Event"]] = {}
"""Every class of events by its name, entered when it is defined."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; `ts` is seconds since the epoch (UTC)."""

    name: ClassVar[str] = "event"
    ts: float = field(default_factory=time.time)

    def __init_subclass__(cls) -> None:
        """Derive the event's name from the class name."""
        super().__init_subclass__()
        cls.name = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        _CLASSES[cls.name] = cls

    def data(self) -> dict[str, Any]:
        """Return the event's own fields, without `ts`."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "ts"}


@dataclass(frozen=True, kw_only=True)
class StepEvent(Event):
    """Base of everything that happens to one step."""

    step_id: str


# --- the run, on the host -------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RunStart(Event):
    """A run began."""

    pipeline: str
    fingerprint: str
    steps_total: int


@dataclass(frozen=True, kw_only=True)
class AdapterSelected(Event):
    """The place where the steps will run was chosen."""

    adapter: str


@dataclass(frozen=True, kw_only=True)
class PreflightValidationSuccess(Event):
    """Every config file, variable and output place that the run needs is there."""

    cfg_files: int
    variables: list[str]


@dataclass(frozen=True, kw_only=True)
class PreflightValidationError(Event):
    """Something the run needs is missing; no step was started."""

    errors: list[str]


@dataclass(frozen=True, kw_only=True)
class ManifestMaterialized(Event):
    """The manifest was copied into the run directory, byte for byte."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class CfgMaterialized(StepEvent):
    """A step's config file was copied into the run directory, byte for byte."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class ArtifactPublished(StepEvent):
    """A finished artifact was put at the path the pipeline names."""

    artifact: str
    path: str
    bytes: int
    sha256: str
    how: str


@dataclass(frozen=True, kw_only=True)
class ArtifactPublishFailed(StepEvent):
    """A finished artifact could not be published; the step counts as failed."""

    artifact: str
    path: str
    error: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunComplete(Event):
    """A run ended, in whatever state."""

    state: str
    ok: bool
    exit_code: int
    steps_completed: int
    steps_failed: int
    steps_skipped: int
    total_rows: int


# --- the engine ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SessionInitialized(Event):
    """The engine is ready to take steps."""

    steps_total: int
    jobs: int


@dataclass(frozen=True, kw_only=True)
class DependencyCheck(Event):
    """The packages the manifest's components need were looked for."""

    required: list[str]
    present: list[str]
    missing: list[str]


@dataclass(frozen=True, kw_only=True)
class DriversRegistered(Event):
    """The drivers of the manifest's components were found; `drivers` maps component to class."""

    drivers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class StepStart(StepEvent):
    """A step began."""

    component: str
    mode: str


@dataclass(frozen=True, kw_only=True)
class CfgOpened(StepEvent):
    """The engine opened a step's config; `keys` are the names of its options."""

    path: str
    sha256: str
    keys: list[str]


@dataclass(frozen=True, kw_only=True)
class ConnectionResolveStart(StepEvent):
    """The engine begins to fill in a step's connection."""

    connection: str


@dataclass(frozen=True, kw_only=True)
class ConnectionResolveComplete(StepEvent):
    """A step's connection is filled in; `variables` are the names of the variables used."""

    connection: str
    variables: list[str]


@dataclass(frozen=True, kw_only=True)
class InputsResolved(StepEvent):
    """A step's inputs are known: name of the input to the step that makes it."""

    inputs: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class ArtifactCreated(StepEvent):
    """A file was completed under the step's artifact directory.

    `path` is relative to the run directory; `rows` is None for files that are not tables.
    """

    path: str
    bytes: int
    sha256: str
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class StepRetry(StepEvent):
    """A step failed for a transient reason and will be tried again after `delay_seconds`."""

    attempt: int
    attempts: int
    delay_seconds: float
    error: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class StepComplete(StepEvent):
    """A step did all it had to; the row counts are the engine's own.

    `rows_in` maps each input's step to the rows read from it; `rows_out` are the rows the step
    produced for others; `rows_written` the rows a write step put into its target.
    """

    rows_in: dict[str, int]
    rows_out: int | None = None
    rows_written: int | None = None
    attempts: int = 1


@dataclass(frozen=True, kw_only=True)
class StepFailed(StepEvent):
    """A step failed."""

    error: dict[str, Any]
    attempts: int = 1


@dataclass(frozen=True, kw_only=True)
class StepSkipped(StepEvent):
    """A step did not run, or was stopped, for a reason that is not its own.

    `reason` is `upstream_failed`, `fail_fast` or `cancelled`, or `adapter_failed` when the place
    where it was to run failed; `because` is the step that caused it.
    """

    reason: str
    because: str | None = None


@dataclass(frozen=True, kw_only=True)
class DataWarning(StepEvent):
    """A step changed values in a way its options allow, for instance zero dates read as NULL."""

    code: str
    message: str
    count: int


@dataclass(frozen=True, kw_only=True)
class SchemaEvolved(StepEvent):
    """A write step changed the table that it writes into, as its options allow.

    `change` is `table_created`, `column_added`, `type_widened` or `not_null_dropped`; the types
    are the database's own names.
    """

    table: str
    change: str
    column: str | None = None
    from_type: str | None = None
    to_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class CleanupComplete(Event):
    """The engine has ended; `total_rows` are the rows all write steps wrote."""

    steps_completed: int
    total_rows: int


@dataclass(frozen=True, kw_only=True)
class ForeignEvent(Event):
    """An event of a name this version does not know, kept as it came."""

    event: str
    fields: dict[str, Any]

    def data(self) -> dict[str, Any]:
        """Return the fields as they came."""
        return dict(self.fields)


def event_classes() -> dict[str, type[Event]]:
    """Return every concrete event class by name, a third party's included."""
    return {name: cls for name, cls in _CLASSES.items() if cls not in (StepEvent, ForeignEvent)}


def event_to_dict(event: Event) -> dict[str, Any]:
    """Return the event as it crosses a wire: `{"ts", "event", …fields}`."""
    name = event.event if isinstance(event, ForeignEvent) else event.name
    return {"ts": event.ts, "event": name, **event.data()}


def event_from_dict(data: dict[str, Any]) -> Event:
    """Rebuild an event from `event_to_dict`; what fits no known class is a `ForeignEvent`."""
    rest = {key: value for key, value in data.items() if key not in {"ts", "event"}}
    ts, name = float(data["ts"]), str(data["event"])
    cls = _CLASSES.get(name)
    known = cls is not None and cls not in (StepEvent, ForeignEvent)
    if cls is not None and known and rest.keys() <= {f.name for f in fields(cls)}:
        try:
            return cls(ts=ts, **rest)
        except TypeError:
            pass  # a field without a default is missing: keep what came
    return ForeignEvent(ts=ts, event=name, fields=rest)

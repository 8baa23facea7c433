"""One run as its directory tells it: state, steps, outputs, the error."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, Final

_LARGEST = 1 << 63


@dataclass(frozen=True)
class StepRecord:
    """What became of one step.

    `state` is `pending` for a step that never started; `bytes` are those of the file a write step
    made, of the Arrow data any other step produced.
    """

    id: str
    state: str
    component: str | None = None
    mode: str | None = None
    started_at: str | None = None
    duration_ms: float | None = None
    rows_in: dict[str, int] = field(default_factory=dict)
    rows_out: int | None = None
    rows_written: int | None = None
    bytes: int | None = None
    attempts: int = 1
    reason: str | None = None
    because: str | None = None
    error: dict[str, Any] | None = None

    @property
    def rows(self) -> int | None:
        """The rows it wrote, or those it produced."""
        return self.rows_written if self.rows_written is not None else self.rows_out

    @property
    def rows_per_second(self) -> float | None:
        """Its rows over its wall time."""
        return self.rows / self.duration_ms * 1e3 if self.rows and self.duration_ms else None


@dataclass(frozen=True)
class PublishedFile:
    """A file that a step made and that was put where the pipeline names it."""

    step: str
    path: str
    rows: int | None
    bytes: int
    sha256: str


@dataclass(frozen=True)
class WrittenTable:
    """A database table that a step wrote into.

    `where` is the connection (`@family.alias`) or the database's file; `table` has its schema
    before it where the step names one.
    """

    step: str
    where: str | None
    table: str
    rows: int


DETAILS: Final = frozenset({"steps", "outputs", "tables", "warnings"})
"""What a summary of a run has not."""


@dataclass(frozen=True)
class RunRecord:
    """A run, as far as its directory tells.

    Attributes:
        session: the run's id, the name of its directory.
        directory: absolute path of the run's directory.
        state: `running`, `completed`, `failed`, `cancelled`; `crashed` when its process died
            without saying how it ended; `unknown` when status.json is missing or unreadable.
        note: what is odd about the records, or None.
        duration_seconds: wall time; for a run without an end, up to its last record.
        steps: every step in the manifest's order, empty when only a summary was asked for.
        outputs: what was published, in order; empty as `steps`.
        tables: what was written into databases, in order; empty as `steps`.
        warnings: values that were changed as an option allows; empty as `steps`.

    """

    session: str
    directory: Path
    state: str
    note: str | None = None
    ok: bool = False
    exit_code: int | None = None
    pipeline: str | None = None
    fingerprint: str | None = None
    adapter: str | None = None
    osiris_version: str | None = None
    host: str | None = None
    pid: int | None = None
    started_at: str | None = None
    finished_at: str | None = None
    duration_seconds: float | None = None
    steps_total: int = 0
    steps_completed: int = 0
    steps_failed: int = 0
    steps_skipped: int = 0
    total_rows: int = 0
    error: dict[str, Any] | None = None
    steps: tuple[StepRecord, ...] = ()
    outputs: tuple[PublishedFile, ...] = ()
    tables: tuple[WrittenTable, ...] = ()
    warnings: tuple[dict[str, Any], ...] = ()

    def summary(self) -> dict[str, Any]:
        """Return the run as one item of a list: without `DETAILS`."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in DETAILS}
        return {**data, "directory": str(self.directory)}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON-ready data."""
        return {**asdict(self), "directory": str(self.directory)}


def text(data: Mapping[str, Any], key: str) -> str | None:
    """Return a member that should be text; None when it is not there or something else."""
    value = data.get(key)
    return value if isinstance(value, str) else None


def number(data: Mapping[str, Any], key: str) -> int | None:
    """Return a member that should be a whole number of 64 bits; None when it is not."""
    value = data.get(key)
    return value if type(value) is int and abs(value) < _LARGEST else None


def real(data: Mapping[str, Any], key: str) -> float | None:
    """Return a member that should be a finite number; None when it is not."""
    value = data.get(key)
    whole = number(data, key)
    return value if isinstance(value, float) and isfinite(value) else whole


def mapping(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a member that should be an object; an empty one when it is not."""
    value = data.get(key)
    return value if isinstance(value, dict) else {}

"""The closed vocabulary of metrics; the unit is in the name."""

import time
from dataclasses import dataclass, field
from enum import StrEnum


class MetricName(StrEnum):
    """Every metric a run can hold."""

    ROWS_READ = "rows_read"
    """Rows a read step took from its source (tag `step`)."""
    ROWS_IN = "rows_in"
    """Rows a step read from an input (tags `step`, `from`)."""
    ROWS_OUT = "rows_out"
    """Rows a transform step produced (tag `step`)."""
    ROWS_WRITTEN = "rows_written"
    """Rows a write step put into its target (tag `step`)."""
    BYTES_OUT = "bytes_out"
    """Bytes of Arrow data a step produced (tag `step`)."""
    BYTES_WRITTEN = "bytes_written"
    """Bytes of the file a write step made (tag `step`)."""
    BYTES_SPILLED = "bytes_spilled"
    """Bytes that an edge put on disk because its reader was slower (tags `step`, `from`)."""
    VALUES_NULLED = "values_nulled"
    """Values read as NULL because their type cannot hold them, as an option allows (tag `step`)."""
    STEP_DURATION_MS = "step_duration_ms"
    """Wall time from a step's start to its end (tag `step`)."""
    SESSION_DURATION_SECONDS = "session_duration_seconds"
    """Wall time of the whole run."""
    PEAK_MEMORY_BYTES = "peak_memory_bytes"
    """Largest resident size of the process that ran the steps."""


UNITS: dict[MetricName, str] = {
    MetricName.ROWS_READ: "rows",
    MetricName.ROWS_IN: "rows",
    MetricName.ROWS_OUT: "rows",
    MetricName.ROWS_WRITTEN: "rows",
    MetricName.BYTES_OUT: "bytes",
    MetricName.BYTES_WRITTEN: "bytes",
    MetricName.BYTES_SPILLED: "bytes",
    MetricName.VALUES_NULLED: "values",
    MetricName.STEP_DURATION_MS: "ms",
    MetricName.SESSION_DURATION_SECONDS: "s",
    MetricName.PEAK_MEMORY_BYTES: "bytes",
}


VARYING = frozenset(
    {
        MetricName.BYTES_OUT,
        MetricName.BYTES_SPILLED,
        MetricName.STEP_DURATION_MS,
        MetricName.SESSION_DURATION_SECONDS,
        MetricName.PEAK_MEMORY_BYTES,
    }
)
"""Metrics of time and memory: they differ between two runs of the same thing."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One measured value; `ts` is seconds since the epoch (UTC)."""

    name: MetricName
    value: float
    tags: dict[str, str] = field(default_factory=dict)
    ts: float = field(default_factory=time.time)

    @property
    def unit(self) -> str:
        """The unit of `value`."""
        return UNITS[self.name]

"""How a run should go: the caller's choices, the same wherever the steps run."""

import os
from dataclasses import dataclass
from enum import StrEnum

_MOST_JOBS = 4
DEFAULT_EXCHANGE_BUDGET = 32 * 1024 * 1024
"""Bytes of record batches an edge holds in memory before it spills."""


class StepOutputs(StrEnum):
    """What is kept of a read or transform step's table below `artifacts/<step>/`."""

    AUTO = "auto"
    """All of it as output.csv up to 10 MiB, else the first 10 MiB as output.head.csv."""
    CSV = "csv"
    """All of it as output.csv."""
    PARQUET = "parquet"
    """All of it as output.parquet."""
    NONE = "none"
    """Nothing."""


def default_jobs() -> int:
    """Return how many steps run at once by default: the usable cores, at most four."""
    return min(_MOST_JOBS, len(os.sched_getaffinity(0)))


@dataclass(frozen=True)
class RunOptions:
    """The caller's choices for one run.

    Attributes:
        jobs: steps that may run at once; None for `default_jobs()`. 1 runs one after another.
        fail_fast: stop everything at the first failed step.
        step_outputs: what is kept of the tables between steps.
        exchange_budget: bytes each edge may hold in memory before it spills to disk.
        grace_seconds: how long a driver may go on after it was told to stop; then its step is
            ended without it.

    """

    jobs: int | None = None
    fail_fast: bool = False
    step_outputs: StepOutputs = StepOutputs.AUTO
    exchange_budget: int = DEFAULT_EXCHANGE_BUDGET
    grace_seconds: float = 10.0

    @property
    def slots(self) -> int:
        """The number of steps that may run at once."""
        return self.jobs or default_jobs()

"""Which runs are meant: by pipeline, state and when they began."""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from osiris.core.record_lines import seconds
from osiris.report.run_record import RunRecord


@dataclass(frozen=True)
class RunFilter:
    """What a run must be; None and nothing mean anything.

    Attributes:
        pipeline: the pipeline's name; `*`, `?` and `[…]` as in a shell.
        states: the states it may be in.
        since: when it began at the earliest, in seconds since the epoch.

    """

    pipeline: str | None = None
    states: frozenset[str] = frozenset()
    since: float | None = None

    def accepts(self, run: RunRecord) -> bool:
        """Tell whether a run is meant; one that does not say when it began did so long ago."""
        if self.states and run.state not in self.states:
            return False
        if self.pipeline is not None and not fnmatchcase(run.pipeline or "", self.pipeline):
            return False
        return self.since is None or (seconds(run.started_at) or 0.0) >= self.since

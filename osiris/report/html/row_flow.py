"""Where the rows went: each edge with what was handed over and what was read of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from osiris.report.run_record import StepRecord

Verdict = Literal["kept", "part", "lost", "open"]


@dataclass(frozen=True)
class Flow:
    """One edge, or what a write step put into its target (then `target` is None).

    `kept`: every row arrived; `part`: the reader stopped early, as it may; `lost`: rows are
    missing or too many; `open`: one of the two did not complete, so nothing can be said.
    """

    source: str
    target: str | None
    given: int | None
    taken: int | None
    bytes: int | None
    verdict: Verdict

    @property
    def missing(self) -> int:
        """How many rows fewer were taken than given."""
        return (self.given or 0) - (self.taken or 0)


def flows(
    steps: Mapping[str, StepRecord], inputs: Mapping[str, Mapping[str, str]]
) -> tuple[Flow, ...]:
    """Return the flows of a run.

    `inputs` are those of each step as the manifest has them: the input's name and the step that
    makes its table.
    """
    found: list[Flow] = []
    for step_id, step in steps.items():
        read = inputs.get(step_id, {})
        found += [_edge(steps[s], step, name) for name, s in read.items() if s in steps]
        if step.rows_written is not None:
            found.append(_target(step))
    return tuple(found)


def _edge(source: StepRecord, target: StepRecord, name: str) -> Flow:
    given, taken = source.rows_out, target.rows_in.get(name)
    done = source.state == target.state == "completed"
    if not done or given is None or taken is None:
        verdict: Verdict = "open"
    elif taken == given:
        verdict = "kept"
    else:
        verdict = "part" if taken < given and target.rows_written is None else "lost"
    return Flow(source.id, target.id, given, taken, source.bytes, verdict)


def _target(step: StepRecord) -> Flow:
    given = sum(step.rows_in.values()) if step.rows_in else None
    if step.state != "completed" or given is None:
        verdict: Verdict = "open"
    else:
        verdict = "kept" if step.rows_written == given else "lost"
    return Flow(step.id, None, given, step.rows_written, step.bytes, verdict)

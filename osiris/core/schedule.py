"""Which step may start, which never will, and which goes first; pure functions of the tasks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from osiris.core.events import StepSkipped
from osiris.core.step_task import Phase, StepTask


@dataclass(frozen=True)
class Verdict:
    """What to do with a waiting step: start it, skip it, or (neither) let it wait."""

    UPSTREAM_FAILED: ClassVar[str] = "upstream_failed"
    FAIL_FAST: ClassVar[str] = "fail_fast"
    CANCELLED: ClassVar[str] = "cancelled"

    start: bool = False
    skip: StepSkipped | None = None


def verdict(
    task: StepTask, tasks: Mapping[str, StepTask], stop: str | None, failed: str | None
) -> Verdict:
    """Decide about a waiting task; `stop` is why nothing new may start, `failed` who caused it."""
    if stop is not None:
        because = failed if stop == Verdict.FAIL_FAST else None
        return Verdict(skip=StepSkipped(step_id=task.step.id, reason=stop, because=because))
    needed = [tasks[step_id] for step_id in task.step.needs]
    for producer in needed:
        if producer.phase in {Phase.FAILED, Phase.SKIPPED}:
            return Verdict(
                skip=StepSkipped(
                    step_id=task.step.id,
                    reason=Verdict.UPSTREAM_FAILED,
                    because=producer.step.id,
                )
            )
    tables = all(outlet.visible for outlet, _ in task.edges.values())
    others = all(tasks[step_id].phase is Phase.COMPLETED for step_id in task.step.after)
    return Verdict(start=tables and others)


def in_order(tasks: Mapping[str, StepTask]) -> list[StepTask]:
    """Return the tasks in the order in which slots are given: those that take a table first.

    So a table is taken away while it is made, and little of it has to be put aside.
    """
    return sorted(tasks.values(), key=lambda task: not task.edges)

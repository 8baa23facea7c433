"""Comparing status.json: the pipeline, how the run and each step ended, the errors."""

from typing import Any

from osiris.core.status import StepState
from osiris.parity.aspects import Aspect
from osiris.parity.comparison import Findings
from osiris.parity.evidence import Evidence
from osiris.parity.leaves import Leaves, Path, differing, dotted, leaves, quoted
from osiris.parity.may_differ import (
    MAY_BE_NULL,
    STATUS_IDENTITY,
    STEP_TIMES,
    any_of_kind,
    without_session,
)

_SHORT = 19
"""Characters of a fingerprint that a person looks at: `sha256:` and twelve digits."""
_NOT_DONE = (StepState.FAILED, StepState.SKIPPED)


def compare_status(a: Evidence, b: Evidence, findings: Findings) -> None:
    """Compare the status files of two runs."""
    findings.shows(Aspect.CONFIG_LOCATION, *(_pipeline(run) for run in (a, b)))
    findings.shows(Aspect.STATUS, *(run.status_problem or run.side.state or "?" for run in (a, b)))
    findings.shows(Aspect.STATUS_ON_ERROR, *(_error(run) for run in (a, b)))
    if a.status_problem or b.status_problem:
        for aspect in (Aspect.STATUS, Aspect.STATUS_ON_ERROR):
            findings.unsound(aspect, a.layout.status.name, a.status_problem, b.status_problem)
        return
    causes = {quoted(step) for step in a.steps_in(_NOT_DONE) & b.steps_in(_NOT_DONE)}
    for path, one, other in differing(_leaves(a), _leaves(b)):
        if path[0] == "steps" and path[-1] == "because" and {one, other} <= causes:
            continue  # it needed both, and both came to nothing: which one first is chance
        findings.differs(_aspect(path), dotted(path), one, other)


def _leaves(run: Evidence) -> Leaves:
    """Return what is compared; of what may differ, only whether it is a text, a number, or null."""
    data = {
        key: any_of_kind(value, or_null=key in MAY_BE_NULL) if key in STATUS_IDENTITY else value
        for key, value in without_session(run.status, run.side.session).items()
    }
    steps = data.get("steps")
    if isinstance(steps, dict):
        data["steps"] = {name: _step(step) for name, step in steps.items()}
    return leaves(data, run.own)


def _step(step: Any) -> Any:
    """Return a step without its times; one that was skipped may not even have begun."""
    if not isinstance(step, dict):
        return step
    skipped = step.get("state") == StepState.SKIPPED
    return {
        key: any_of_kind(value, or_null=skipped) if key in STEP_TIMES else value
        for key, value in step.items()
    }


def _aspect(path: Path) -> Aspect:
    if path[0] in {"error", "exit_code"} or (path[0] == "steps" and path[2:3] == ("error",)):
        return Aspect.STATUS_ON_ERROR
    if path[0] in {"pipeline", "fingerprint"}:
        return Aspect.CONFIG_LOCATION
    return Aspect.STATUS


def _pipeline(run: Evidence) -> str:
    fingerprint = run.status.get("fingerprint")
    return fingerprint[:_SHORT] if isinstance(fingerprint, str) else "?"


def _error(run: Evidence) -> str:
    if run.status_problem:
        return run.status_problem
    error = run.status.get("error")
    code = error.get("code") if isinstance(error, dict) else error
    return f"{code or 'no error'}, exit {run.status.get('exit_code')}"

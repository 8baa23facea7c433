"""What went wrong in a run: the error of each step, and that of the run as a whole."""

from typing import Any

from osiris.report.run_record import RunRecord


def failures(run: RunRecord) -> list[dict[str, Any]]:
    """Return the errors, each once: those of steps in the manifest's order, then the run's own."""
    told = [step.error for step in run.steps if step.error]
    if run.error and not any(_same(run.error, error) for error in told):
        told.append(run.error)
    return told


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (one.get("code"), one.get("message")) == (other.get("code"), other.get("message"))

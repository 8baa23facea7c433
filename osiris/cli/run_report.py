"""A run as a person reads it: its steps, what came out, where the records are, what went wrong."""

from collections.abc import Iterator
from typing import TextIO

from osiris.cli import amounts
from osiris.cli.paths import shown
from osiris.cli.run_styles import STYLES
from osiris.cli.screen import harmless, styled
from osiris.cli.table import table
from osiris.report.failures import failures
from osiris.report.run_record import RunRecord, StepRecord

_NUMBERS = ("ROWS IN", "ROWS OUT", "SIZE", "TIME", "ROWS/S")
_HEADERS = ("STEP", "STATE", *_NUMBERS)


def run_lines(run: RunRecord, limit: int | None) -> Iterator[str]:
    """Yield the lines about a run; a line takes `limit` cells when there is a limit."""
    yield f"{run.session}  {_state(run.state)}  {harmless(run.pipeline or '?')}"
    if run.note:
        yield f"{styled('note:', 'warn')} {harmless(run.note)}"
    if run.steps:
        yield ""
        yield from step_lines(run.steps, limit)
    yield ""
    for warning in run.warnings:
        step = warning["step_id"]
        yield harmless(f"warning: {step}: {warning['message']} ({warning['count']:,} values)")
    for output in run.outputs:
        rows = "" if output.rows is None else f"{amounts.rows(output.rows)} rows, "
        yield harmless(f"published  {output.path} ({rows}{amounts.size(output.bytes)})")
    for written in run.tables:
        name = f"{written.where} {written.table}" if written.where else written.table
        yield harmless(f"written    {name} ({amounts.rows(written.rows)} rows)")
    yield f"records    {shown(run.directory)}"
    yield f"total      {_total(run)}"


def step_lines(steps: tuple[StepRecord, ...], limit: int | None) -> Iterator[str]:
    """Yield the table of steps."""
    rows = [_row(step) for step in steps]
    head, *body = table(_HEADERS, rows, numbers=_NUMBERS, limit=limit)
    yield styled(head, "dim")
    for step, line in zip(steps, body, strict=True):
        style = STYLES.get(step.state)
        yield styled(line, style) if style and style != "good" else line


def failure_lines(run: RunRecord, stream: TextIO | None) -> Iterator[str]:
    """Yield what went wrong in each step, or in the run as a whole, and what to do about it."""
    for error in failures(run):
        where = f"step {error['step_id']}: " if error.get("step_id") else ""
        yield f"{styled('error:', 'bad', stream)} {harmless(where + str(error.get('message')))}"
        if error.get("hint"):
            yield f"{styled('hint:', 'strong', stream)} {harmless(str(error['hint']))}"


def _state(state: str) -> str:
    style = STYLES.get(state)
    return styled(state, style) if style else state


def _row(step: StepRecord) -> tuple[str, ...]:
    taken = sum(step.rows_in.values()) if step.rows_in else None
    state = step.state
    if step.state == "skipped":
        state = f"skipped ({step.because or step.reason or '?'})"
    elif step.attempts > 1:
        state = f"{state} (try {step.attempts})"
    seconds = None if step.duration_ms is None else step.duration_ms / 1000
    cells = (
        step.id,
        state,
        amounts.rows(taken),
        amounts.rows(step.rows),
        "-" if step.bytes is None else amounts.size(step.bytes),
        amounts.duration(seconds),
        amounts.rows(step.rows_per_second),
    )
    return tuple(harmless(cell) for cell in cells)


def _total(run: RunRecord) -> str:
    done = f"{run.steps_completed} of {run.steps_total} steps"
    time = amounts.duration(run.duration_seconds)
    return f"{amounts.rows(run.total_rows)} rows written, {done} completed, {time}"

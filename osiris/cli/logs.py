"""`osiris logs`: which runs there were, and what happened in one of them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from osiris.cli import amounts, options
from osiris.cli.invocation import Invocation
from osiris.cli.run_report import STYLES, failure_lines, run_lines
from osiris.cli.screen import columns, document, harmless, result, styled
from osiris.cli.table import table
from osiris.cli.verbose_progress import members_text
from osiris.core.layout import RunLayout
from osiris.core.record_lines import RecordLines
from osiris.report.find_runs import LAST, find_run, list_runs
from osiris.report.read_run import read_run
from osiris.report.run_record import RunRecord

_HEADERS = ("RUN", "STATE", "PIPELINE", "WHERE", "STEPS", "ROWS", "TIME")
_NUMBERS = ("STEPS", "ROWS", "TIME")


@click.group("logs", epilog=options.epilog("osiris logs list", "osiris logs show last"))
def logs_group() -> None:
    """List runs and show what happened in one."""


@logs_group.command(
    "list",
    epilog=options.epilog(
        "osiris logs list", "osiris logs list --json", "osiris -C movies logs list"
    ),
)
@options.as_json
@click.pass_obj
def list_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """List the project's runs, the newest first.

    A run whose process is gone without a word is `crashed`. As JSON: {"runs": [{"session",
    "directory", "state", "note", "ok", "exit_code", "pipeline", "fingerprint", "adapter",
    "osiris_version", "host", "pid", "started_at", "finished_at", "duration_seconds",
    "steps_total", "steps_completed", "steps_failed", "steps_skipped", "total_rows", "error"}]}.
    """
    project = invocation.project()
    runs = list_runs(project.root)
    if as_json:
        document({"runs": [run.summary() for run in runs]})
        return 0
    if not runs:
        result(f"there are no runs in {project.root / 'logs'}")
        return 0
    head, *body = table(_HEADERS, [_row(run) for run in runs], numbers=_NUMBERS, limit=columns())
    result(styled(head, "dim"))
    for run, line in zip(runs, body, strict=True):
        style = STYLES.get(run.state)
        result(styled(line, style) if style and style != "good" else line)
    return 0


@logs_group.command(
    "show",
    epilog=options.epilog(
        "osiris logs show", "osiris logs show last --events", "osiris logs show last --json"
    ),
)
@click.argument("run", default=LAST)
@click.option("--events", is_flag=True, help="Show every event instead.")
@click.option("--metrics", is_flag=True, help="Show every metric instead.")
@options.as_json
@click.pass_obj
def show_command(
    invocation: Invocation, /, *, run: str, events: bool, metrics: bool, as_json: bool
) -> int:
    """Show a run: the last one, or RUN, its id or a part of it that no other has.

    As JSON: what `logs list` has of it, "steps", "outputs", "warnings", and with --events and
    --metrics the records themselves under these names.
    """
    directory = find_run(invocation.project().root, run)
    layout = RunLayout(directory)
    record = read_run(directory)
    if as_json:
        document(_data(record, layout, events=events, metrics=metrics))
        return 0
    if events or metrics:
        for line in _record_lines(layout, events=events, metrics=metrics):
            result(line)
        return 0
    for line in run_lines(record, columns()):
        result(line)
    for line in failure_lines(record, sys.stdout):
        result(line)
    return 0


def _row(run: RunRecord) -> tuple[str, ...]:
    cells = (
        run.session,
        run.state,
        run.pipeline or "-",
        run.adapter or "-",
        f"{run.steps_completed}/{run.steps_total}",
        amounts.rows(run.total_rows),
        amounts.duration(run.duration_seconds),
    )
    return tuple(harmless(cell) for cell in cells)


def _data(record: RunRecord, layout: RunLayout, *, events: bool, metrics: bool) -> dict[str, Any]:
    data = record.to_dict()
    if events:
        data["events"] = list(RecordLines(layout.events))
    if metrics:
        data["metrics"] = list(RecordLines(layout.metrics))
    return data


def _record_lines(layout: RunLayout, *, events: bool, metrics: bool) -> Iterator[str]:
    """Yield the records as lines: time, name, members."""
    files: list[tuple[Path, str]] = []
    if events:
        files.append((layout.events, "event"))
    if metrics:
        files.append((layout.metrics, "metric"))
    for path, kind in files:
        lines = RecordLines(path)
        for record in lines:
            rest = {k: v for k, v in record.items() if k not in {"ts", "session", kind}}
            text = members_text(str(record.get(kind)), rest)
            yield harmless(f"{record.get('ts')} {text}")
        if lines.damaged:
            yield f"{lines.damaged} damaged lines in {path.name} are left out"

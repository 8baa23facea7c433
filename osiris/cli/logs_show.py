"""`osiris logs show`: what happened in a run."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from osiris.cli import completions, options
from osiris.cli.invocation import Invocation
from osiris.cli.plain_progress import PlainProgress
from osiris.cli.run_report import failure_lines, run_lines
from osiris.cli.screen import columns, document, harmless, result
from osiris.cli.verbose_progress import members_text
from osiris.core.errors import UsageError
from osiris.core.layout import RunLayout
from osiris.core.record_lines import RecordLines, known_event
from osiris.report.find_runs import LAST, find_run
from osiris.report.growing_records import growing_records
from osiris.report.read_run import read_run
from osiris.report.run_record import RunRecord


@click.command(
    "show",
    epilog=options.epilog(
        "osiris logs show",
        "osiris logs show last --events",
        "osiris logs show last --follow",
        "osiris logs show last --json",
    ),
)
@click.argument("run", default=LAST, shell_complete=completions.runs)
@click.option("--events", is_flag=True, help="Show every event instead.")
@click.option("--metrics", is_flag=True, help="Show every metric instead.")
@click.option("-f", "--follow", is_flag=True, help="Show what happens as it happens, to the end.")
@options.as_json
@click.pass_obj
def show_command(
    invocation: Invocation, /, *, run: str, events: bool, metrics: bool, follow: bool, as_json: bool
) -> int:
    """Show a run: the last one, or RUN, its id or a part of it that no other has.

    --follow watches a run that is going on in another process. As JSON: what `logs list` has of
    it, "steps", "outputs", "tables", "warnings", and with --events and --metrics the records
    themselves under these names.
    """
    directory = find_run(invocation.project().root, run)
    layout = RunLayout(directory)
    if follow and (metrics or as_json):
        raise UsageError(
            f"--follow does not go with {'--json' if as_json else '--metrics'}",
            hint="`--follow --events` shows every event as it is written",
        )
    if follow:
        _follow(directory, events=events)
        if events:
            return 0
    record = read_run(directory)
    if as_json:
        document(_data(record, layout, events=events, metrics=metrics))
    elif events or metrics:
        for line in _record_lines(layout, events=events, metrics=metrics):
            result(line)
    else:
        for line in (*run_lines(record, columns()), *failure_lines(record, sys.stdout)):
            result(line)
    return 0


def _follow(directory: Path, *, events: bool) -> None:
    """Show a run's events until it is over: each as it is, or what a person wants to know."""
    progress = PlainProgress(result)
    for record in growing_records(directory):
        if events:
            result(_record_line(record, "event"))
        elif (event := known_event(record)) is not None:
            progress.take(event)


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
            yield _record_line(record, kind)
        if lines.damaged:
            yield f"{lines.damaged} damaged lines in {path.name} are left out"


def _record_line(record: dict[str, Any], kind: str) -> str:
    """Return a record as a line: time, name, members."""
    rest = {k: v for k, v in record.items() if k not in {"ts", "session", kind}}
    text = members_text(str(record.get(kind)), rest)
    return harmless(f"{record.get('ts')} {text}")

"""`osiris logs list`: which runs there were."""

import gc
from typing import Final

import click

from osiris.cli import amounts, options
from osiris.cli.invocation import Invocation
from osiris.cli.param_types import point_in_time
from osiris.cli.run_styles import STYLES
from osiris.cli.screen import columns, document, harmless, result, styled
from osiris.cli.table import table
from osiris.core.status import RunState
from osiris.report.find_runs import list_runs
from osiris.report.run_filter import RunFilter
from osiris.report.run_record import RunRecord

_HEADERS: Final = ("RUN", "STATE", "PIPELINE", "WHERE", "STEPS", "ROWS", "TIME")
_NUMBERS: Final = ("STEPS", "ROWS", "TIME")


@click.command(
    "list",
    epilog=options.epilog(
        "osiris logs list",
        "osiris logs list --state failed --state crashed --since 7d",
        "osiris logs list --pipeline 'movies*' --limit 5 --json",
    ),
)
@click.option("--pipeline", metavar="NAME", help="Only runs of this pipeline; * and ? are allowed.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([*map(str, RunState), "unknown"]),
    help="Only runs in this state; may be repeated.",
)
@click.option(
    "--since",
    callback=point_in_time,
    metavar="WHEN",
    help="Only runs that began since: 90m, 12h, 7d ago, or a date like 2026-01-31.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N of them.")
@options.as_json
@click.pass_obj
def list_command(
    invocation: Invocation,
    /,
    *,
    pipeline: str | None,
    states: tuple[str, ...],
    since: float | None,
    limit: int | None,
    as_json: bool,
) -> int:
    """List the project's runs, the newest first.

    A run whose process is gone without a word is `crashed`. As JSON: {"runs": [{"session",
    "directory", "state", "note", "ok", "exit_code", "pipeline", "fingerprint", "adapter",
    "osiris_version", "host", "pid", "started_at", "finished_at", "duration_seconds",
    "steps_total", "steps_completed", "steps_failed", "steps_skipped", "total_rows", "error"}]}.
    """
    gc.disable()  # it would walk ten thousand records again and again, and the process ends here
    project = invocation.project()
    found = list_runs(project.root)
    meant = RunFilter(pipeline, frozenset(states), since)
    runs = [run for run in found if meant.accepts(run)][:limit]
    if as_json:
        document({"runs": [run.summary() for run in runs]})
    elif not runs:
        result(_nothing(len(found), str(project.root / "logs")))
    else:
        result("\n".join(_lines(runs)))
    return 0


def _nothing(there: int, logs: str) -> str:
    if not there:
        return f"there are no runs in {logs}"
    return f"none of the {there:,} runs in {logs} is like that"


def _lines(runs: list[RunRecord]) -> list[str]:
    head, *body = table(_HEADERS, [_row(run) for run in runs], numbers=_NUMBERS, limit=columns())
    lines = [styled(head, "dim")]
    for run, line in zip(runs, body, strict=True):
        style = STYLES.get(run.state)
        lines.append(styled(line, style) if style and style != "good" else line)
    return lines


def _row(run: RunRecord) -> tuple[str, ...]:
    return (
        harmless(run.session),
        run.state,
        harmless(run.pipeline or "-"),
        harmless(run.adapter or "-"),
        f"{run.steps_completed}/{run.steps_total}",
        amounts.rows(run.total_rows),
        amounts.duration(run.duration_seconds),
    )

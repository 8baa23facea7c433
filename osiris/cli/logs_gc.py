"""`osiris logs gc`: removing old runs."""

import click

from osiris.cli import amounts, options
from osiris.cli.invocation import Invocation
from osiris.cli.param_types import point_in_time, size_in_bytes
from osiris.cli.screen import document, harmless, note, result, styled
from osiris.core.errors import UnwritableOutputError
from osiris.report.old_runs import OldRun, Retention, old_runs, remove_runs


@click.command(
    "gc",
    epilog=options.epilog(
        "osiris logs gc --keep 100",
        "osiris logs gc --keep 10 --older-than 30d --dry-run",
        "osiris logs gc --max-size 5GB",
    ),
)
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Keep the newest N runs.")
@click.option(
    "--older-than",
    callback=point_in_time,
    metavar="AGE",
    help="Remove runs that began before: 12h, 30d, 8w ago, or a date like 2026-01-31.",
)
@click.option(
    "--max-size",
    callback=size_in_bytes,
    metavar="SIZE",
    help="Remove the oldest runs until all together take no more: 500MB, 2GiB.",
)
@click.option("--dry-run", is_flag=True, help="Remove nothing; say what would go.")
@options.as_json
@click.pass_obj
def gc_command(
    invocation: Invocation,
    /,
    *,
    keep: int | None,
    older_than: float | None,
    max_size: int | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Remove old runs; one that is running is never touched.

    With --keep alone all but the newest N go. With --older-than or --max-size only what these name
    goes, and the newest N stay in any case. Outputs that were published stay where they are. As
    JSON: {"removed": [{"session", "directory", "state", "bytes", "error"}], "dry_run"}.
    """
    root = invocation.project().root
    chosen = Retention(keep, older_than, max_size).choose(old_runs(root))
    removed: list[tuple[OldRun, OSError | None]] = []
    for run, error in [(run, None) for run in chosen] if dry_run else remove_runs(root, chosen):
        removed.append((run, error))
        if not as_json:
            _show(run, error, dry_run=dry_run)
    if as_json:
        told = [{**run.to_dict(), "error": str(error) if error else None} for run, error in removed]
        document({"removed": told, "dry_run": dry_run})
    elif removed:
        _sum_up([run for run, error in removed if error is None], dry_run=dry_run)
    else:
        result("nothing to remove")
    return UnwritableOutputError.exit_code if any(error for _, error in removed) else 0


def _show(run: OldRun, error: OSError | None, *, dry_run: bool) -> None:
    name = harmless(run.directory.name)
    if error is not None:
        note(f"{styled('error:', 'bad')} {name} cannot be removed: {harmless(str(error))}")
        return
    verb = "would remove" if dry_run else "removed"
    result(f"{verb} {name} ({harmless(run.state)}, {amounts.size(run.bytes)})")


def _sum_up(removed: list[OldRun], *, dry_run: bool) -> None:
    count = f"{len(removed):,} run{'' if len(removed) == 1 else 's'}"
    verb = "would be removed" if dry_run else "removed"
    result(f"{count} {verb}, {amounts.size(sum(run.bytes for run in removed))}")

"""`osiris logs gc`: removing old runs, and compilations that none of them needs."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

import click

from osiris.cli import amounts, options
from osiris.cli.invocation import Invocation
from osiris.cli.param_types import point_in_time, size_in_bytes
from osiris.cli.screen import document, harmless, note, result, styled
from osiris.compiler.old_compilations import (
    OldCompilation,
    old_compilations,
    remove_compilations,
)
from osiris.core.errors import UnwritableOutputError
from osiris.report.old_runs import OldRun, Retention, old_runs, remove_runs

Old = OldRun | OldCompilation
Show = Callable[[Old, OSError | None], None]
T = TypeVar("T", OldRun, OldCompilation)


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
    """Remove old runs, and the compilations that no run needs; a running one is never touched.

    With --keep alone all but the newest N go. With --older-than or --max-size only what these name
    goes, and the newest N stay in any case. Outputs that were published stay where they are.

    A compilation (logs/compile_…) goes when no run that stays came from it, it is not the last one
    of its pipeline, and it is an hour old, or as old as --older-than says. As JSON: {"removed":
    [{"session", "directory", "state", "bytes", "error"}], "compilations": [{"compilation",
    "directory", "bytes", "error"}], "dry_run"}.
    """
    root = invocation.project().root
    retention = Retention(keep, older_than, max_size)
    runs = old_runs(root)
    chosen = retention.choose(runs)
    show = _nothing if as_json else partial(_show, dry_run=dry_run)
    removed = _each(_untouched(chosen) if dry_run else remove_runs(root, chosen), show)
    gone = {run.directory for run, error in removed if error is None}
    kept = [run.fingerprint for run in runs if run.directory not in gone and run.fingerprint]
    unused = old_compilations(root, kept, older_than)
    cleared = _each(_untouched(unused) if dry_run else remove_compilations(unused), show)
    if as_json:
        told = {"removed": _told(removed), "compilations": _told(cleared)}
        document({**told, "dry_run": dry_run})
    elif removed or cleared:
        _sum_up("run", removed, dry_run=dry_run)
        _sum_up("compilation", cleared, dry_run=dry_run)
    else:
        result("nothing to remove")
    failed = any(error for _, error in [*removed, *cleared])
    return UnwritableOutputError.exit_code if failed else 0


def _each(going: Iterable[tuple[T, OSError | None]], show: Show) -> list[tuple[T, OSError | None]]:
    """Show each as it goes, and return all of them."""
    done = []
    for one, error in going:
        done.append((one, error))
        show(one, error)
    return done


def _untouched(chosen: Iterable[T]) -> Iterator[tuple[T, None]]:
    return ((one, None) for one in chosen)


def _nothing(_: Old, __: OSError | None) -> None:
    """Show nothing."""


def _show(one: Old, error: OSError | None, *, dry_run: bool) -> None:
    name = harmless(one.directory.name)
    if error is not None:
        note(f"{styled('error:', 'bad')} {name} cannot be removed: {harmless(str(error))}")
        return
    verb = "would remove" if dry_run else "removed"
    state = f"{harmless(one.state)}, " if isinstance(one, OldRun) else ""
    result(f"{verb} {name} ({state}{amounts.size(one.bytes)})")


def _told(done: list[tuple[T, OSError | None]]) -> list[dict[str, Any]]:
    return [{**one.to_dict(), "error": str(error) if error else None} for one, error in done]


def _sum_up(noun: str, done: list[tuple[T, OSError | None]], *, dry_run: bool) -> None:
    if not done:
        return
    gone = [one for one, error in done if error is None]
    verb = "would be removed" if dry_run else "removed"
    count = f"{len(gone):,} {noun}{'' if len(gone) == 1 else 's'}"
    result(f"{count} {verb}, {amounts.size(sum(one.bytes for one in gone))}")

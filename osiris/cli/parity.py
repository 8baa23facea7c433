"""`osiris parity`: whether two runs left the same evidence, and where they did not."""

from pathlib import Path

import click

from osiris.api import compare_runs
from osiris.cli import completions, options
from osiris.cli.invocation import Invocation
from osiris.cli.parity_report import comparison_lines
from osiris.cli.screen import columns, document, result
from osiris.core.errors import RunsDifferError
from osiris.report.find_runs import LAST

_PAGE = 80
"""Width of a page that is no terminal."""


@click.command(
    "parity",
    epilog=options.epilog(
        "osiris parity run_20260101T080000Z_1a2b last",
        "osiris parity 1a2b 3c4d --fail-if-diff",
        "osiris parity ../elsewhere/logs/run_20260101T080000Z_1a2b last --json",
    ),
)
@click.argument("run_a", shell_complete=completions.runs)
@click.argument("run_b", shell_complete=completions.runs)
@click.option("--fail-if-diff", is_flag=True, help="End with 6 when the runs differ.")
@options.as_json
@click.pass_obj
def parity_command(
    invocation: Invocation, /, *, run_a: str, run_b: str, fail_if_diff: bool, as_json: bool
) -> int:
    """Compare what two runs left behind: RUN_A is what is expected, RUN_B what is.

    A run is `last`, its id or a part of it that no other run has, or its directory. Everything is
    compared but times, sizes of memory, and what says where the run ran. As JSON: {"same", "a",
    "b": {"session", "directory", "pipeline", "adapter", "state", "osiris_version"}, "aspects":
    [{"section", "aspect", "title", "same", "a", "b", "differences"}], "differences": [{"section",
    "aspect", "title", "where", "a", "b", "place": {"row", "column", "line", "byte", "a", "b",
    "note"} or null}]}; of many differences in one aspect, the first hundred. Every "title" is the
    aspect's name in the table.
    """
    one, other = (_given(invocation, run) for run in (run_a, run_b))
    comparison = compare_runs(one, other, project=invocation.project().root)
    if as_json:
        document(comparison.to_dict())
    else:
        for line in comparison_lines(comparison, columns() or _PAGE):
            result(line)
    return RunsDifferError.exit_code if fail_if_diff and not comparison.same else 0


def _given(invocation: Invocation, run: str) -> str | Path:
    """Return the run as the command line means it: relative paths are relative to the project."""
    if run == LAST or invocation.named is None:
        return run
    path = invocation.path(Path(run))
    return path if path.is_dir() else run

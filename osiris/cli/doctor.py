"""`osiris connections doctor`: does each connection work, and if not, why."""

import sys
from concurrent.futures import ThreadPoolExecutor

import click

from osiris.cli import amounts, completions, options
from osiris.cli.connection_trial import Trial, try_connection
from osiris.cli.crash import beware
from osiris.cli.failure import error_data, error_lines
from osiris.cli.invocation import Invocation
from osiris.cli.problems import problem_lines
from osiris.cli.screen import Style, columns, document, harmless, note, result, styled
from osiris.cli.table import table
from osiris.connections import connection_views
from osiris.core.errors import ConnectionConfigError

_AT_ONCE = 8
_STYLES: dict[str, Style] = {"ok": "good", "slow": "warn", "reachable": "warn"}


@click.command(
    "doctor",
    short_help="Test every connection, or those named.",
    epilog=options.epilog(
        "osiris connections doctor",
        "osiris connections doctor @mysql.db_movies",
        "osiris connections doctor --json",
    ),
)
@click.argument(
    "refs", metavar="[@FAMILY.ALIAS]…", nargs=-1, shell_complete=completions.connections
)
@options.as_json
@click.pass_obj
def doctor_command(invocation: Invocation, /, *, refs: tuple[str, ...], as_json: bool) -> int:
    """Connect to each connection (or to those named), as a step would, and log in.

    Ends with the exit code of the first that fails: 4 for a missing variable or package, 3 for a
    connection that is not sound, 1 for one that cannot be made. As JSON: {"ok", "connections":
    [{"ref", "ok", "state", "seconds", "error"}]}; state is ok, slow, reachable,
    missing_variable, missing_dependency, invalid, unknown_host, refused, timeout, unreachable,
    authentication, tls, unknown_database, missing_right, or the last part of another error's code.
    """
    return _tested(invocation, refs, as_json=as_json)


@click.command(
    "test",
    short_help="Test one connection.",
    epilog=options.epilog(
        "osiris connections test @mysql.db_movies",
        "osiris connections test @mysql.db_movies --json",
    ),
)
@click.argument("ref", metavar="@FAMILY.ALIAS", shell_complete=completions.connections)
@options.as_json
@click.pass_obj
def test_command(invocation: Invocation, /, *, ref: str, as_json: bool) -> int:
    """Test one connection, as `osiris connections doctor` tests all; the same states and codes."""
    return _tested(invocation, (ref,), as_json=as_json)


def _tested(invocation: Invocation, refs: tuple[str, ...], *, as_json: bool) -> int:
    project = invocation.project()
    env = project.environment()
    beware(env)
    found = connection_views(project, env)
    chosen = [found.named(ref) for ref in refs] or list(found.views)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        trials = list(pool.map(lambda view: try_connection(view, env, project.root), chosen))
    failed = [trial.error.exit_code for trial in trials if trial.error]
    if found.problems and not refs:
        failed.append(ConnectionConfigError.exit_code)
    if as_json:
        document({"ok": not failed, "connections": [_item(trial) for trial in trials]})
    else:
        _show(trials)
        for line in problem_lines(found.problems):
            result(line)
    return failed[0] if failed else 0


def _item(trial: Trial) -> dict[str, object]:
    return {
        "ref": trial.ref,
        "ok": trial.ok,
        "state": trial.state,
        "seconds": None if trial.seconds is None else round(trial.seconds, 6),
        "error": error_data(trial.error) if trial.error else None,
    }


def _show(trials: list[Trial]) -> None:
    if not trials:
        note("there are no connections to test")
        return
    rows = [(harmless(t.ref), t.state, amounts.duration(t.seconds)) for t in trials]
    headers = ("CONNECTION", "STATE", "TIME")
    head, *body = table(headers, rows, numbers=("TIME",), limit=columns())
    result(styled(head, "dim"))
    for trial, line in zip(trials, body, strict=True):
        result(styled(line, _STYLES.get(trial.state, "bad")))
        if trial.error:
            for text in error_lines(trial.error, sys.stdout):
                result(f"  {text}")

"""`osiris connections`: which there are, and whether they work."""

from typing import Any

import click

from osiris.cli import options
from osiris.cli.connections_add import add_command
from osiris.cli.connections_exec import exec_command
from osiris.cli.doctor import doctor_command, test_command
from osiris.cli.invocation import Invocation
from osiris.cli.problems import problem_lines
from osiris.cli.screen import document, harmless, result, styled
from osiris.compiler.store import CONNECTIONS
from osiris.connections import ConnectionView, ConnectionViews, connection_views
from osiris.core.errors import ConnectionConfigError


@click.group(
    "connections",
    epilog=options.epilog(
        "osiris connections list",
        "osiris connections add @mysql.shop host=db.example.org user=reader",
        "osiris connections test @mysql.shop",
        "osiris connections exec @mysql.shop 'SELECT COUNT(*) AS n FROM movies'",
    ),
)
def connections_group() -> None:
    """List the project's connections, add one, test them, ask one something."""


for command in (add_command, test_command, doctor_command, exec_command):
    connections_group.add_command(command)


@connections_group.command(
    "list",
    short_help="List connections, their fields and variables.",
    epilog=options.epilog("osiris connections list", "osiris connections list --json"),
)
@options.as_json
@click.pass_obj
def list_command(invocation: Invocation, /, *, as_json: bool) -> int:
    """List every connection: its fields, and which of the variables it uses are set.

    Secrets are never shown. Ends with 3 when a connection is not sound. As JSON: {"connections":
    [{"ref", "family", "alias", "default", "components", "fields", "variables", "problems"}],
    "problems"}.
    """
    project = invocation.project()
    found = connection_views(project, project.environment())
    if as_json:
        document(
            {
                "connections": [_item(view) for view in found.views],
                "problems": [problem.to_dict() for problem in found.problems],
            }
        )
    else:
        _show(found, str(project.root / CONNECTIONS))
    bad = found.problems or any(view.problems for view in found.views)
    return ConnectionConfigError.exit_code if bad else 0


def _item(view: ConnectionView) -> dict[str, Any]:
    return {
        "ref": view.ref,
        "family": view.declared.family,
        "alias": view.declared.alias,
        "default": view.declared.default,
        "components": [component.name for component in view.components],
        "fields": view.shown_fields(),
        "variables": view.variables,
        "problems": [problem.to_dict() for problem in view.problems],
    }


def _show(found: ConnectionViews, file: str) -> None:
    if not found.views and not found.problems:
        result(f"there are no connections in {file}")
    for view in found.views:
        default = "  (default)" if view.declared.default else ""
        result(styled(harmless(view.ref), "strong") + default)
        for name, value in view.shown_fields().items():
            result(harmless(f"  {name}: {'' if value is None else value}"))
        for name, state in view.variables.items():
            shown = styled(state, "warn" if state == "missing" else "dim")
            result(f"  variable {name}: {shown}")
        for line in problem_lines(view.problems):
            result(line)
    for line in problem_lines(found.problems):
        result(line)

"""`osiris config`: what the settings of this project's runs are, and who says so."""

import click

from osiris.cli import options
from osiris.cli.invocation import Invocation
from osiris.cli.screen import columns, document, note, result
from osiris.cli.settings import run_settings, unknown_variables
from osiris.cli.table import table


@click.group("config", epilog=options.epilog("osiris config show --origin"))
def config_group() -> None:
    """Show the settings that `osiris run` goes by."""


@config_group.command(
    "show", epilog=options.epilog("osiris config show --origin", "osiris config show --json")
)
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@options.as_json
@click.pass_obj
def show_command(invocation: Invocation, /, *, origin: bool, as_json: bool) -> int:
    """Show every setting of `osiris run` in this project.

    The order is: the option, OSIRIS_NAME in the environment, OSIRIS_NAME in .env, `run: {name:
    value}` in osiris.yaml, the default. As JSON: {"settings": [{"name", "value", "origin"}],
    "warnings"}.
    """
    from osiris.cli.main import run_command  # noqa: PLC0415 - it imports this module's verb

    project = invocation.project()
    env = project.environment()
    ctx = run_command.make_context("run", [])
    found = run_settings(ctx, project, env)
    warnings = list(unknown_variables(env))
    if as_json:
        named = [{"name": s.name, "value": s.value, "origin": s.origin} for s in found.values()]
        document({"settings": named, "warnings": warnings})
        return 0
    rows = [[s.name, _shown(s.value), *([s.origin] if origin else [])] for s in found.values()]
    headers = ["SETTING", "VALUE", *(["ORIGIN"] if origin else [])]
    for line in table(headers, rows, limit=columns()):
        result(line)
    for warning in warnings:
        note(f"warning: {warning}")
    return 0


def _shown(value: object) -> str:
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)

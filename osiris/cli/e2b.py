"""`osiris e2b`: what has to be done once in an account of E2B's cloud."""

import click

from osiris.cli import options
from osiris.cli.e2b_account import e2b_account, e2b_cloud
from osiris.cli.invocation import Invocation
from osiris.cli.screen import document, harmless, note, result
from osiris.remote.e2b_template import Resources, TemplatePlan

_BUILDING_SECONDS = 1800.0


@click.group("e2b", epilog=options.epilog("osiris e2b build-template"))
def e2b_group() -> None:
    """Prepare an account of E2B's cloud for runs (`osiris run --e2b`)."""


@e2b_group.command(
    "build-template",
    short_help="Build a template with nothing left to install.",
    epilog=options.epilog(
        "osiris e2b build-template",
        "osiris e2b build-template --cpu 4 --memory 4096",
        "osiris e2b build-template --dry-run --json",
    ),
)
@click.option("--cpu", type=click.IntRange(min=1), metavar="N", help="Processors. [default: E2B's]")
@click.option(
    "--memory", type=click.IntRange(min=128), metavar="MIB", help="Memory. [default: E2B's]"
)
@click.option("--dry-run", is_flag=True, help="Build nothing; say what would be built.")
@options.as_json
@click.pass_obj
def build_template_command(
    invocation: Invocation,
    /,
    *,
    cpu: int | None,
    memory: int | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Build the template in which runs of this installation have nothing to install.

    It holds Python and every package that a component here may need, at the versions that are
    installed here, and is named by them: a run finds it by itself, and a new version of any
    package asks for a new one. Processors and memory are a template's in E2B. As JSON: {"name",
    "template_id" (null in a dry run), "python", "requirements", "cpus", "memory_mb"}.
    """
    plan = TemplatePlan.of_installation().with_resources(Resources(cpu, memory))
    template_id: str | None = None
    if not dry_run:
        account = e2b_account(invocation)
        template_id = e2b_cloud().build_template(
            account, plan, lambda line: note(harmless(line)), timeout=_BUILDING_SECONDS
        )
    if as_json:
        document({"name": plan.name, "template_id": template_id, **plan.to_dict()})
    else:
        _show(plan, template_id)
    return 0


def _show(plan: TemplatePlan, template_id: str | None) -> None:
    built = "would be built" if template_id is None else f"is built ({template_id})"
    size = str(plan.resources) or "no size asked for"
    result(f"template {plan.name} {built}: Python {plan.python}, {size}")
    for requirement in plan.requirements:
        result(f"  {harmless(requirement)}")

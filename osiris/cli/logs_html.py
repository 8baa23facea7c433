"""`osiris logs html`: a run, or a run beside another, as one page for a browser."""

import webbrowser
from pathlib import Path

import click

from osiris.cli import completions, options
from osiris.cli.invocation import Invocation
from osiris.cli.known_secrets import known_secrets
from osiris.cli.paths import shown
from osiris.cli.screen import document, note, result
from osiris.core.atomic_file import replace_bytes
from osiris.core.errors import StepError, UnwritableOutputError
from osiris.core.layout import LOGS, RunLayout
from osiris.core.masking import Masker
from osiris.project import Project
from osiris.report.find_runs import LAST, find_run


@click.command(
    "html",
    epilog=options.epilog(
        "osiris logs html",
        "osiris logs html last --open",
        "osiris logs html 1a2b 3c4d --output compared.html",
    ),
)
@click.argument("run", default=LAST, shell_complete=completions.runs)
@click.argument("other", metavar="[RUN_B]", required=False, shell_complete=completions.runs)
@click.option("--open", "open_it", is_flag=True, help="Show it in a browser.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it there. [default: logs/RUN.html]",
)
@options.as_json
@click.pass_obj
def html_command(
    invocation: Invocation,
    /,
    *,
    run: str,
    other: str | None,
    open_it: bool,
    output: Path | None,
    as_json: bool,
) -> int:
    """Write a run as one HTML page: steps, timeline, rows, metrics, events, logs, artifacts.

    The page is one file that needs no network, and holds the first rows of each artifact. With
    RUN_B it begins with the comparison of both. Secrets of the project are masked. As JSON:
    {"path", "bytes"}.
    """
    project = invocation.project()
    directory = find_run(project.root, run)
    page = _page(project, directory, None if other is None else find_run(project.root, other))
    if output is None:
        name = directory.name if other is None else f"{directory.name}_compared"
        path = project.root / LOGS / f"{name}.html"
    else:
        path = invocation.path(output)
    data = page.encode("utf-8")
    try:
        replace_bytes(path, data)
    except StepError as error:
        raise UnwritableOutputError(error.message, hint=error.hint) from error
    if as_json:
        document({"path": str(path.absolute()), "bytes": len(data)})
    else:
        result(shown(path))
    if open_it and not webbrowser.open(path.absolute().as_uri()):
        note("there is no browser to show it in")
    return 0


def _page(project: Project, directory: Path, other: Path | None) -> str:
    from osiris.report.html.run_page import run_page  # noqa: PLC0415 - `--help` must not wait for jinja2

    secrets = known_secrets(project, RunLayout(directory)).values
    if other is None:
        return run_page(directory, Masker(secrets))
    from osiris.api import compare_runs  # noqa: PLC0415 - only two runs need it

    secrets |= known_secrets(project, RunLayout(other)).values
    comparison = compare_runs(directory, other, project=project.root)
    return run_page(directory, Masker(secrets), comparison.to_dict())

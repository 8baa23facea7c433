"""`osiris logs bundle`: a run's records as one archive to attach to an issue."""

from dataclasses import asdict
from pathlib import Path

import click

from osiris.cli import amounts, completions, options
from osiris.cli.invocation import Invocation
from osiris.cli.known_secrets import KnownSecrets, known_secrets
from osiris.cli.paths import shown
from osiris.cli.problems import counted
from osiris.cli.screen import document, harmless, note, result
from osiris.core.atomic_file import replace_bytes
from osiris.core.errors import MissingVariableError, StepError, UnwritableOutputError
from osiris.core.layout import RunLayout
from osiris.report.find_runs import LAST, find_run
from osiris.report.run_bundle import SHORTEST, LeftOut, bundle_run


@click.command(
    "bundle",
    epilog=options.epilog(
        "osiris logs bundle",
        "osiris logs bundle 1a2b --output issue.zip",
        "osiris logs bundle last --with-artifacts",
    ),
)
@click.argument("run", default=LAST, shell_complete=completions.runs)
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it there. [default: RUN.zip]",
)
@click.option("--with-artifacts", is_flag=True, help="Put what the steps made into it, too.")
@options.as_json
@click.pass_obj
def bundle_command(
    invocation: Invocation,
    /,
    *,
    run: str,
    output: Path | None,
    with_artifacts: bool,
    as_json: bool,
) -> int:
    """Put a run's records into one zip archive, to be attached to an issue.

    Status, events, metrics, logs, manifest and configs are in it; artifacts, which are data, only
    with --with-artifacts: as they are, unless a secret is in one or it cannot be looked into.
    Every secret of the run and the project is masked in the records, and the archive is searched
    for each, so all of them must be set: else the command ends with 4. The same records give the
    same bytes. As JSON: {"path", "bytes", "files", "masked", "left_out": [{"name", "bytes",
    "why"}]}.
    """
    project = invocation.project()
    directory = find_run(project.root, run)
    secrets = known_secrets(project, RunLayout(directory))
    _check(secrets)
    made = bundle_run(directory, secrets.values, artifacts=with_artifacts)
    path = invocation.path(output or Path(f"{directory.name}.zip"))
    try:
        replace_bytes(path, made.data)
    except StepError as error:
        raise UnwritableOutputError(error.message, hint=error.hint) from error
    if as_json:
        told = {"bytes": len(made.data), "files": made.names, "masked": made.masked}
        left_out = [asdict(one) for one in made.left_out]
        document({"path": str(path.absolute()), **told, "left_out": left_out})
        return 0
    for name in made.masked:
        note(f"note: a secret in {harmless(name)} was masked")
    _tell_left_out(made.left_out, wanted=with_artifacts)
    size = amounts.size(len(made.data))
    result(f"{shown(path)} ({len(made.names)} files, {size}, no secret of {len(secrets.values)})")
    return 0


def _tell_left_out(left_out: tuple[LeftOut, ...], *, wanted: bool) -> None:
    if wanted:
        for one in left_out:
            note(f"note: {harmless(one.name)} is left out: {harmless(one.why)}")
    elif left_out:
        number, size = counted(len(left_out), "artifact"), sum(one.bytes for one in left_out)
        note(f"note: {number} ({amounts.size(size)}) left out; --with-artifacts puts them in")


def _check(secrets: KnownSecrets) -> None:
    """Refuse what could not be proven; tell what is too short to be looked for."""
    if secrets.missing:
        names = ", ".join(sorted(secrets.missing))
        raise MissingVariableError(
            f"it cannot be shown that no secret is in the bundle: {names} is not set here",
            hint="set it as it was in the run, in the environment or .env; it is only looked for",
        )
    short = sum(len(value) < SHORTEST for value in secrets.values)
    if short:
        note(f"note: {short} secrets have fewer than {SHORTEST} characters and are not looked for")

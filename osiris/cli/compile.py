"""`osiris compile`: a pipeline into a manifest, or a check that the manifest is up to date."""

import sys
from pathlib import Path
from typing import Any

import click

from osiris.api import Compilation, compile_pipeline
from osiris.cli import options
from osiris.cli.invocation import Invocation
from osiris.cli.paths import shown
from osiris.cli.problems import counted, problem_lines
from osiris.cli.screen import document, harmless, note, result
from osiris.compiler.store import differences, last_manifest

_STALE = 1


@click.command(
    epilog=options.epilog(
        "osiris compile pipeline.yaml",
        "osiris compile pipeline.yaml --param since=2024-01-01",
        "osiris compile pipeline.yaml --out compiled/movies",
        "osiris compile pipeline.yaml --out compiled/movies --check",
    )
)
@options.pipeline_argument()
@options.params
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write to this directory instead of logs/compile_…/compiled; what was there goes.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; end with 1 when what was compiled before (in --out, or last) differs "
    "from what the pipeline compiles to now.",
)
@options.as_json
@click.pass_obj
def compile_command(
    invocation: Invocation,
    /,
    *,
    pipeline: Path,
    params: tuple[str, ...],
    out: Path | None,
    check: bool,
    as_json: bool,
) -> int:
    """Compile a pipeline into a manifest and one config file a step.

    The same pipeline, parameters and connections give the same bytes, everywhere. As JSON:
    {"name", "manifest", "fingerprint", "params", "variables", "steps", "warnings"}; with --check
    {"ok", "manifest", "differences": [{"file", "what"}]}.
    """
    path = invocation.path(pipeline)
    compilation = compile_pipeline(
        path,
        params=options.parsed_params(params),
        project=invocation.named,
        write=not check,
        out=None if out is None else invocation.path(out),
    )
    if not as_json:
        for line in problem_lines(compilation.warnings, warning=True, stream=sys.stderr):
            note(line)
    if check:
        return _check(invocation, path, compilation, out, as_json=as_json)
    if as_json:
        document(_data(compilation))
    else:
        _show(compilation)
    return 0


def _data(compilation: Compilation) -> dict[str, Any]:
    manifest = compilation.compiled.manifest
    return {
        "name": manifest.name,
        "manifest": str(compilation.manifest),
        "fingerprint": manifest.fingerprint,
        "params": manifest.params,
        "variables": manifest.variables,
        "steps": [step.id for step in manifest.steps],
        "warnings": [warning.to_dict() for warning in compilation.warnings],
    }


def _show(compilation: Compilation) -> None:
    manifest, place = compilation.compiled.manifest, compilation.manifest
    result(f"compiled     {harmless(manifest.name)}, {counted(len(manifest.steps), 'step')}")
    if place is not None:
        result(f"manifest     {harmless(shown(place))}")
    result(f"fingerprint  {manifest.fingerprint}")
    needed = [name for name, must in manifest.variables.items() if must]
    if needed:
        result(f"needs        {', '.join(needed)}")


def _check(
    invocation: Invocation,
    path: Path,
    compilation: Compilation,
    out: Path | None,
    *,
    as_json: bool,
) -> int:
    compiled = compilation.compiled
    if out is None:
        manifest = last_manifest(invocation.project(path).root, compiled.manifest.name)
    else:
        manifest = invocation.path(out) / "manifest.yaml"
    found = differences(compiled, manifest)
    if as_json:
        listed = [{"file": one.file, "what": one.what} for one in found]
        document({"ok": not found, "manifest": str(manifest), "differences": listed})
        return _STALE if found else 0
    for one in found:
        result(f"{shown(manifest.parent / one.file)}: {one.what}")
    if found:
        result(f"{shown(manifest)} is not what {path} compiles to now: compile it again")
        return _STALE
    result(f"{shown(manifest)} is what {path} compiles to now")
    return 0

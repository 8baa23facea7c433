"""`osiris run`: from what the command line names to a run and what it left behind."""

from pathlib import Path
from typing import Any

import click

from osiris.api import Compilation, last_compilation, load_or_compile
from osiris.cli import options, streams
from osiris.cli.crash import beware
from osiris.cli.dry_run import show_dry_run
from osiris.cli.early_messages import show_early_messages
from osiris.cli.failure import note_error
from osiris.cli.invocation import Invocation
from osiris.cli.json_lines import speak_json, speaks_json
from osiris.cli.problems import problem_lines
from osiris.cli.progress import observing
from osiris.cli.run_report import failure_lines, run_lines
from osiris.cli.sandbox_options import adapter_choice
from osiris.cli.screen import columns, document, note, note_json, result
from osiris.cli.settings import run_settings
from osiris.core.adapter_factory import create_adapter
from osiris.core.cancel import CancelToken
from osiris.core.errors import UsageError
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.layout import RunLayout
from osiris.core.records import Emit
from osiris.core.run import RunResult, run_compiled
from osiris.core.run_options import RunOptions, StepOutputs
from osiris.project import Project
from osiris.report.read_run import read_run
from osiris.telemetry.following import followed


def execute_run(
    invocation: Invocation,
    target: Path | None,
    cancel: CancelToken,
    *,
    last_compile: bool,
    params: tuple[str, ...],
    dry_run: bool,
    verbose: bool,
    as_json: bool,
    **choices: Any,
) -> int:
    """Find or compile what to run, run it, show what happened; return the exit code.

    Raises the reason of `cancel` when that is switched before the run begins.
    """
    cancel.raise_if_set()
    path = None if target is None else invocation.path(target)
    project = invocation.project(path)
    env = project.environment()
    beware(env)
    settings = run_settings(click.get_current_context(), project, env)
    choices |= {name: setting.value for name, setting in settings.items()}
    progress = choices["progress"]
    speak_json(on=progress == "json")
    show_early_messages()
    name, adapter_options, prefix = adapter_choice(choices, env)
    compilation = _compilation(
        project, path, options.parsed_params(params), last=last_compile, write=not dry_run
    )
    _warn(compilation)
    if dry_run:
        return show_dry_run(compilation, project, env, as_json=as_json)
    cancel.raise_if_set()
    run_options = _run_options(choices)
    adapter = create_adapter(name, **adapter_options)
    streams.keep_streams()
    manifest = compilation.compiled.manifest
    with observing(manifest, verbose=verbose, prefix=prefix, progress=progress) as observer:
        done = _run_with_adapter(adapter, compilation, project, env, run_options, observer, cancel)
    _show(done, as_json=as_json)
    return done.exit_code


def _run_options(choices: dict[str, Any]) -> RunOptions:
    return RunOptions(
        jobs=choices["jobs"],
        fail_fast=choices["fail_fast"],
        step_outputs=StepOutputs(choices["step_outputs"]),
    )


def _compilation(
    project: Project, path: Path | None, params: dict[str, str], *, last: bool, write: bool
) -> Compilation:
    if path is None and last:
        if params:
            raise UsageError(
                "--param does not go with --last-compile: the parameters were fixed by compiling",
                hint="name the pipeline instead, or compile it again with --param",
            )
        return last_compilation(project.root)
    if path is None:
        raise UsageError(
            "nothing to run: name a pipeline or a manifest",
            hint="`osiris run pipeline.yaml`, or `osiris run --last-compile`",
        )
    if last:
        raise UsageError(
            f"--last-compile and {path} both say what to run", hint="leave one of them out"
        )
    return load_or_compile(path, params=params, project=project.root, write=write)


def _run_with_adapter(
    adapter: ExecutionAdapter,
    compilation: Compilation,
    project: Project,
    env: dict[str, str],
    run_options: RunOptions,
    observer: Emit,
    cancel: CancelToken,
) -> RunResult:
    with followed(compilation.compiled, env, observer) as following:

        def begun(run: RunLayout, name: str) -> None:
            if speaks_json():
                where = {"session": run.session, "directory": str(run.root.absolute())}
                note_json("run", {**where, "adapter": name})
            following.begin(run, name)

        return run_compiled(
            compilation.compiled,
            adapter,
            project=project.root,
            env=env,
            options=run_options,
            observer=following.emit,
            cancel=cancel,
            begun=begun,
        )


def _warn(compilation: Compilation) -> None:
    """Show the compiler's warnings: for people, or as lines of JSON among those of the run."""
    if speaks_json():
        for problem in compilation.warnings:
            note_json("problem", problem.to_dict())
        return
    for line in problem_lines(compilation.warnings, warning=True, stream=streams.stderr()):
        note(line)


def _show(done: RunResult, *, as_json: bool) -> None:
    """Show the run as its records tell it; of steps' failures the lines of JSON have told."""
    run = read_run(done.layout.root)
    if as_json:
        document(run.to_dict())
        return
    for line in run_lines(run, columns()):
        result(line)
    if not speaks_json():
        for line in failure_lines(run, streams.stderr()):
            note(line)
    elif done.error is not None:
        note_error(done.error)

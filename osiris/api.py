"""Osiris from Python: the same compiler, engine and records as the command line's.

    import osiris

    result = osiris.run_pipeline("pipeline.yaml", params={"since": "2024-01-01"})
    print(result.ok, result.status.total_rows, result.layout.root)

Every error is an `osiris.OsirisError` with a `message`, a `hint` and a stable `code`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris.compiler.compile_source import CompileResult, compile_source
from osiris.compiler.problem import Problem, Report
from osiris.compiler.project_file import ProjectFile, read_project_file
from osiris.compiler.store import (
    is_manifest,
    last_manifest,
    load_compiled,
    read_connections,
    read_pipeline,
    write_compiled,
)
from osiris.compiler.write_out import write_out
from osiris.components.registry import ComponentRegistry
from osiris.core.compiled import CompiledPipeline
from osiris.core.errors import PipelineError, UsageError
from osiris.core.project_path import in_project
from osiris.project import MARKER, Project

if TYPE_CHECKING:  # compiling needs none of it, and should not wait for it
    from osiris.core.cancel import CancelToken
    from osiris.core.records import Emit
    from osiris.core.run import RunResult
    from osiris.core.run_options import RunOptions
    from osiris.discovery.result import Discovery
    from osiris.parity.comparison import Comparison

StrPath = str | PathLike[str]


class InvalidPipelineError(PipelineError):
    """A pipeline has mistakes; `problems` are all of them, each with its place."""

    code = "pipeline.problems"

    def __init__(
        self, message: str, *, hint: str | None = None, problems: tuple[Problem, ...] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.problems = problems

    def to_dict(self) -> dict[str, Any]:
        """Return the error with its problems."""
        return {**super().to_dict(), "problems": [problem.to_dict() for problem in self.problems]}


@dataclass(frozen=True)
class Compilation:
    """A pipeline that was compiled.

    `manifest` is where it was written, None when it was not; `warnings` are worth a look.
    """

    compiled: CompiledPipeline
    manifest: Path | None
    warnings: tuple[Problem, ...]


def check_pipeline(
    pipeline: StrPath,
    *,
    params: Mapping[str, Any] | None = None,
    project: StrPath | None = None,
) -> CompileResult:
    """Compile a pipeline in memory and return its problems instead of raising them.

    Raises `InputError` when a file cannot be read at all.
    """
    path = Path(pipeline)
    return compile_source(
        read_pipeline(path),
        filename=str(path),
        connections=read_connections(_project(project, path).root),
        params=params or {},
        registry=ComponentRegistry(),
    )


def compile_pipeline(
    pipeline: StrPath,
    *,
    params: Mapping[str, Any] | None = None,
    project: StrPath | None = None,
    write: bool = True,
    out: StrPath | None = None,
) -> Compilation:
    """Compile a pipeline into a manifest and a config a step.

    Args:
        pipeline: path of the pipeline's YAML.
        params: values of the pipeline's params by name.
        project: the project directory; by default the one the pipeline lies in (`Project.of`).
        write: put the result into `logs/compile_…/compiled/` of the project.
        out: put it into this directory instead, in place of what was compiled there before.

    Raises:
        InvalidPipelineError: with every problem the pipeline has.
        InputError: when a file cannot be read.
        UnwritableOutputError: when the project cannot be written.

    """
    result = check_pipeline(pipeline, params=params, project=project)
    if result.compiled is None:
        count = len(result.problems)
        raise InvalidPipelineError(
            f"{pipeline} has {count} problem{'s' if count > 1 else ''}",
            problems=tuple(result.problems),
        )
    manifest = None
    if write and out is not None:
        manifest = write_out(result.compiled, Path(out))
    elif write:
        manifest = write_compiled(result.compiled, _project(project, Path(pipeline)).root)
    return Compilation(result.compiled, manifest, tuple(result.warnings))


def load_or_compile(
    target: StrPath,
    *,
    params: Mapping[str, Any] | None = None,
    project: StrPath | None = None,
    write: bool = True,
) -> Compilation:
    """Return what a run of `target` starts from: a manifest is read, a pipeline is compiled.

    Raises what `compile_pipeline` raises; `ManifestError` for a damaged manifest; `UsageError` for
    params with a manifest, whose params were fixed when it was compiled.
    """
    path = Path(target)
    if not path.is_dir() and not is_manifest(read_pipeline(path)):
        return compile_pipeline(path, params=params, project=project, write=write)
    if params:
        raise UsageError(
            f"{path} is a compiled manifest: its parameters were fixed when it was compiled",
            hint="give --param together with the pipeline, not with a manifest",
        )
    return Compilation(load_compiled(path), path, ())


def last_compilation(project: StrPath | None = None) -> Compilation:
    """Return what was compiled last in the project; raise `ManifestError` when nothing was."""
    manifest = last_manifest(_project(project, None).root)
    return Compilation(load_compiled(manifest), manifest, ())


def run_pipeline(
    pipeline: StrPath | CompiledPipeline,
    *,
    params: Mapping[str, Any] | None = None,
    project: StrPath | None = None,
    env: Mapping[str, str] | None = None,
    options: "RunOptions | None" = None,
    observer: "Emit | None" = None,
    cancel: "CancelToken | None" = None,
    adapter: str = "local",
) -> "RunResult":
    """Run a pipeline and return what it left behind; a failed step is a result, not an exception.

    Args:
        pipeline: path of a pipeline or of a compiled manifest, or a pipeline compiled before.
        params: values of the pipeline's params by name; only for a path of a pipeline.
        project: the project directory; by default the one the pipeline lies in (`Project.of`).
        env: what `${VAR}` is filled from; by default the process's environment over `.env`.
        options: how many steps at once, what is kept, what happens at a failure.
        observer: called with every record as it comes, masked, from any thread.
        cancel: switch it from another thread to stop the run.
        adapter: the place where the steps run.

    Raises:
        InputError: when there is nothing to run; see `load_or_compile`.
        UnwritableOutputError: when the run's directory cannot be made.

    """
    # Compiling needs neither the engine nor pyarrow: a tenth of a second that only runs pay.
    from osiris.core.adapter_factory import create_adapter  # noqa: PLC0415 - start-up, see above
    from osiris.core.run import run_compiled  # noqa: PLC0415 - start-up, see above
    from osiris.telemetry.following import followed  # noqa: PLC0415 - start-up, see above

    if isinstance(pipeline, CompiledPipeline):
        compiled, path = pipeline, None
    else:
        path = Path(pipeline)
        compiled = load_or_compile(path, params=params, project=project).compiled
    where = _project(project, path)
    found = where.environment() if env is None else env
    with followed(compiled, found, observer) as following:
        return run_compiled(
            compiled,
            create_adapter(adapter),
            project=where.root,
            env=found,
            options=options,
            observer=following.emit,
            cancel=cancel,
            begun=following.begin,
        )


def compare_runs(a: StrPath, b: StrPath, *, project: StrPath | None = None) -> "Comparison":
    """Compare what two finished runs left behind; that they differ is a result, not an exception.

    Args:
        a: a run: its directory, its id, a part of the id that no other run has, or `last`.
        b: the run to compare with it.
        project: the project whose runs ids refer to; by default the one of the current directory.

    Raises:
        UsageError: when there is no such run, when it is still running, or when both are one run.

    """
    from osiris.parity.compare import compare_directories  # noqa: PLC0415 - only comparing needs it
    from osiris.report.find_runs import find_finished_run  # noqa: PLC0415 - as above

    root = _project(project, None).root
    one, other = find_finished_run(root, a), find_finished_run(root, b)
    if one.samefile(other):
        raise UsageError(
            f"{a} and {b} are one and the same run: comparing it with itself proves nothing",
            hint="`osiris logs list` shows all runs",
        )
    return compare_directories(one, other)


def discover(
    target: StrPath,
    *,
    schema: str | None = None,
    tables: Sequence[str] = (),
    samples: int = 0,
    reveal: Sequence[str] = (),
    seconds: float = 60.0,
    project: StrPath | None = None,
    env: Mapping[str, str] | None = None,
) -> "Discovery":
    """Look, read-only, into a database or files: tables, columns, keys, sample rows.

    Args:
        target: `@family.alias`, or the path or pattern of files that are one table, behind
            `@s3.alias/` where they lie in a bucket.
        schema: the schema to look into; by default the connection's, else all of the users'.
        tables: names, or patterns with * and ?; by default all.
        samples: how many rows of each table to read.
        reveal: columns whose values are shown although their names look sensitive.
        seconds: how long all of it may take; a server is told to stop at that time as well.
        project: the project whose connections are used; by default the current directory's.
        env: what `${VAR}` is filled from; by default the process's environment over `.env`.

    Raises:
        UsageError: when there is no such connection, schema or table.
        InputError: when the connection is not sound.
        RunEnvironmentError: when a variable or a package is missing.
        StepError: when the database or a file cannot be read.

    """
    # A tenth of a second that only discovering pays.
    from osiris.core.discovery import Wanted  # noqa: PLC0415 - start-up, see above
    from osiris.discovery import discover as discovering  # noqa: PLC0415 - start-up, see above

    where = _project(project, None)
    wanted = Wanted(
        schema=schema,
        tables=tuple(tables),
        samples=samples,
        base_dir=where.root,
        seconds=seconds,
    )
    with discovering.bounded(wanted) as bounded:
        if not str(target).startswith("@"):
            path = in_project(Path(target), where.root)
            return discovering.discover_files(path, bounded, reveal)
        found = where.environment() if env is None else env
        return discovering.discover_connection(str(target), where, found, bounded, reveal)


def project_file(project: Project) -> ProjectFile:
    """Return what the project's osiris.yaml says; raise `InputError` when it is not sound."""
    path, report = project.root / MARKER, Report()
    found = read_project_file(path, report)
    if report.errors:
        raise InvalidPipelineError(f"{path} cannot be used", problems=tuple(report.errors))
    return found


def _project(project: StrPath | None, target: Path | None) -> Project:
    """Return the project; raise `InputError` for an osiris.yaml that is not sound."""
    found = Project.of(target) if project is None else Project.at(Path(project))
    project_file(found)
    return found

"""From the text of a pipeline to its compiled form, every mistake reported at once."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from osiris.compiler.component_source import Registry
from osiris.compiler.connection_book import ConnectionBook
from osiris.compiler.connection_check import UsedConnection, check_connections
from osiris.compiler.document import Place
from osiris.compiler.literal_secret import secret_in
from osiris.compiler.manifest_writer import OML_VERSION, compiled_pipeline
from osiris.compiler.output_check import check_outputs
from osiris.compiler.params import read_params
from osiris.compiler.problem import Problem, Report
from osiris.compiler.references import ParamFiller
from osiris.compiler.shape import check_keys, kind, text
from osiris.compiler.specification import specifications
from osiris.compiler.step_check import CONNECTION, CheckedStep, check_step
from osiris.compiler.step_graph import link_steps
from osiris.compiler.step_source import read_steps
from osiris.compiler.yaml_reader import read_yaml
from osiris.core.compiled import CompiledPipeline
from osiris.core.errors import PipelineError

_REQUIRED = ("oml_version", "name", "steps")
_KEYS = ("oml_version", "name", "description", "params", "steps")


@dataclass(frozen=True)
class CompileResult:
    """What came of a source: the compiled pipeline, or every problem that keeps it from being one.

    `compiled` is None exactly when there are `problems`. Problems and warnings are in the order
    of files and lines.
    """

    compiled: CompiledPipeline | None
    problems: list[Problem]
    warnings: list[Problem]

    def require(self) -> CompiledPipeline:
        """Return the compiled pipeline; raise `PipelineError` that lists all problems."""
        if self.compiled is None:
            count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}"
            lines = "".join(f"\n  {problem}" for problem in self.problems)
            raise PipelineError(f"the pipeline has {count}:{lines}")
        return self.compiled


def compile_source(
    source: bytes,
    *,
    filename: str,
    connections: tuple[bytes, str] | None,
    params: Mapping[str, Any],
    registry: Registry,
) -> CompileResult:
    """Check and compile a pipeline. Pure: no clock, no files, no environment.

    `osiris validate` and `osiris compile` are this one call; it never raises for what is in its
    arguments.

    Args:
        source: the bytes of the pipeline's YAML.
        filename: how messages name the pipeline; appears in no output.
        connections: bytes and name of `osiris_connections.yaml`, or None when there is none.
        params: values of params by name; strings, as `--param name=value` gives them, are
            converted to the declared type.
        registry: the components that exist.

    """
    report = Report()
    compiled = None
    root = read_yaml(source, filename, report)
    if root is not None:
        compiled = _compiled(root, ConnectionBook(connections), params, registry)
    problems = report.errors
    return CompileResult(None if problems else compiled, problems, report.warnings)


def _compiled(
    root: Place, book: ConnectionBook, given: Mapping[str, Any], registry: Registry
) -> CompiledPipeline | None:
    """Check everything; return the compiled pipeline when there is nothing to report."""
    report = root.document.report
    if not check_keys(root, allowed=_KEYS, required=_REQUIRED, what="a pipeline"):
        return None
    _check_version(root.get("oml_version"))
    name = _one_line(root.get("name"), "name")
    description = _description(root.get("description"))
    params = read_params(root, given)
    filler = ParamFiller(params)
    steps = [check_step(source, registry, filler, book) for source in read_steps(root)]
    check_outputs(steps)
    links = link_steps([step.source for step in steps])
    _warn_unused(params.declared, filler.used)
    used = [use for step in steps if (use := _used_connection(step)) is not None]
    needed = any(_takes_connection(step) for step in steps)
    check_connections(book, used, registry, report, needed=needed)
    accepted = specifications(steps)
    if report.errors or name is None:
        return None
    return compiled_pipeline(name, description, params.values, steps, links, accepted)


def _takes_connection(step: CheckedStep) -> bool:
    """Tell whether a step needs a connection, or names one that it could do without."""
    component = step.component
    if component is None or component.connection is None:
        return False
    return component.needs_connection or step.source.config.get(CONNECTION) is not None


def _used_connection(step: CheckedStep) -> UsedConnection | None:
    model = step.component.connection if step.component else None
    return UsedConnection(step.connection, model) if step.connection and model else None


def _check_version(place: Place | None) -> None:
    if place is not None and place.value != OML_VERSION:
        shown = f"{place.value!r}" if isinstance(place.value, str) else kind(place.value)
        message = f"oml_version must be {OML_VERSION!r}, not {shown}"
        place.error(message, f"write oml_version: {OML_VERSION}")


def _one_line(place: Place | None, what: str) -> str | None:
    found = text(place, what)
    if place is not None and found is not None and not found.isprintable():
        place.error(f"{what} must be one line of printable text")
        return None
    return found


def _description(place: Place | None) -> str | None:
    found = text(place, "description")
    what = secret_in(found) if found else None
    if place is not None and what is not None:
        place.error(f"the text holds {what}", "remove it: the description is in the manifest")
    return found


def _warn_unused(declared: Mapping[str, Place], used: Container[str]) -> None:
    for name, place in declared.items():
        if name not in used:
            place.warn(f"param {name!r} is not used", f"use it as ${{params.{name}}}, or remove it")

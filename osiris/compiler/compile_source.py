"""From the text of a pipeline to its compiled form, every mistake reported at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from osiris.compiler.problem import Problem
from osiris.components.component import Component
from osiris.core.compiled import CompiledPipeline
from osiris.core.errors import PipelineError


class Registry(Protocol):
    """The components there are; `osiris.components.registry.ComponentRegistry` is one."""

    def names(self) -> list[str]:
        """Return the names of all components."""

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a component of this name."""

    def __getitem__(self, name: str) -> Component:
        """Return the component; may raise what its import raises."""

    def __iter__(self) -> Iterator[Component]:
        """Iterate over all components."""


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
    text: bytes,
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
        text: the bytes of the pipeline's YAML.
        filename: how messages name the pipeline; appears in no output.
        connections: bytes and name of `osiris_connections.yaml`, or None when there is none.
        params: values of params by name; strings, as `--param name=value` gives them, are
            converted to the declared type.
        registry: the components that exist.

    """
    raise NotImplementedError

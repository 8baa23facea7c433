"""Where the steps run: an adapter decides where the engine lives and how its records travel."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from osiris.core.cancel import CancelToken
from osiris.core.compiled import CompiledPipeline
from osiris.core.manifest import Manifest
from osiris.core.preflight import materialize, preflight
from osiris.core.publisher import Publisher
from osiris.core.run_options import RunOptions
from osiris.core.session import SessionContext
from osiris.core.step_config import StepConfig


@dataclass(frozen=True)
class RunRequest:
    """All an adapter gets.

    Attributes:
        compiled: what to run.
        project: directory that relative paths of the pipeline refer to.
        env: the environment that placeholders are filled from.
        options: the caller's choices.
        session: where the records go.
        cancel: switched when the run should stop.

    """

    compiled: CompiledPipeline
    project: Path
    env: Mapping[str, str]
    options: RunOptions
    session: SessionContext
    cancel: CancelToken


@dataclass(frozen=True)
class PreparedRun:
    """A run that can start: its files are in the run directory and nothing it needs is missing.

    `variables` are the values of exactly the environment variables that the manifest uses.
    """

    request: RunRequest
    manifest: Manifest
    configs: dict[str, StepConfig]
    variables: dict[str, str]
    publisher: Publisher


@dataclass(frozen=True)
class CollectedArtifacts:
    """The files that the steps left below `artifacts/`, relative to the run's directory."""

    paths: tuple[str, ...]


class ExecutionAdapter(ABC):
    """The life cycle of a run, the same everywhere: prepare, execute, collect."""

    name: str

    def run(self, request: RunRequest) -> CollectedArtifacts:
        """Run everything; `collect` runs whatever `execute` raises."""
        prepared = self.prepare(request)
        try:
            self.execute(prepared)
        finally:
            collected = self.collect(prepared)
        return collected

    def prepare(self, request: RunRequest) -> PreparedRun:
        """Put manifest and configs into the run directory and check all that can be checked.

        Raises the error of what is missing, after recording all that is.
        """
        materialize(request.compiled, request.session)
        checked = preflight(
            request.compiled, env=request.env, project=request.project, session=request.session
        )
        return PreparedRun(
            request=request,
            manifest=request.compiled.manifest,
            configs=checked.configs,
            variables=checked.variables,
            publisher=Publisher(request.session, request.project, checked.outputs, request.cancel),
        )

    @abstractmethod
    def execute(self, prepared: PreparedRun) -> None:
        """Run all steps and see their records into the session.

        Returns when every step has ended, in whatever way; raises only when the place where they
        run failed.
        """

    def collect(self, prepared: PreparedRun) -> CollectedArtifacts:
        """Bring back what the steps made; the default finds it where it is."""
        layout = prepared.request.session.layout
        files = sorted(path for path in layout.artifacts.rglob("*") if path.is_file())
        return CollectedArtifacts(tuple(layout.relative(path) for path in files))

"""The files of this machine that a run's steps change in place; a sandbox gets a copy of each."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from osiris.components.component import InputPath, TargetPath
from osiris.components.marked_fields import marked
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import StepError
from osiris.core.placeholders import fill
from osiris.core.project_path import in_project
from osiris.core.publish_target import changed_file
from osiris.core.step_config import StepConfig, bind
from osiris.remote.input_files import files_elsewhere
from osiris.remote.session_paths import SessionPaths


@dataclass(frozen=True)
class TargetFile:
    """A file that steps change; it need not be there yet.

    Attributes:
        path: where it is on this host; no link is in it.
        name: what messages call it.
        steps: the steps that change it.
        beside: endings of the names of files that are beside it while it is not whole.
        patience: seconds that other programs which have it open are waited for.

    """

    path: Path
    name: str
    steps: tuple[str, ...]
    beside: tuple[str, ...]
    patience: float

    def inside(self, paths: SessionPaths) -> Path:
        """Return where its copy is in a sandbox."""
        return paths.targets / self.path.relative_to("/")

    def torn(self) -> Path | None:
        """Return a file beside it that says that it is not whole."""
        others = (self.path.with_name(self.path.name + end) for end in self.beside)
        return next((path for path in others if path.exists()), None)


def target_files(
    configs: Mapping[str, StepConfig], env: Mapping[str, str], project: Path
) -> list[TargetFile]:
    """Return every file that the steps' configs mark as `TargetPath`, once, however it is named."""
    registry = DriverRegistry()
    found: dict[Path, TargetFile] = {}
    for step_id, config in configs.items():
        component = registry.component(config.component)
        named = changed_file(config, component, env, project)
        if named is None:
            continue
        path = real_path(named)
        marks = (mark for _, mark in marked(component.config, TargetPath))
        known = found.get(path)
        found[path] = TargetFile(
            path,
            in_project(named, project) if known is None else known.name,
            (*(() if known is None else known.steps), step_id),
            next(marks).beside,
            max(_patience(config, env), 0.0 if known is None else known.patience),
        )
    return list(found.values())


def real_path(path: Path) -> Path:
    """Return a path with its links followed; what is not there is named all the same."""
    return Path(os.path.realpath(path))


def _patience(config: StepConfig, env: Mapping[str, str]) -> float:
    """Return how long the step waits for others: its `lock_timeout`, where it has one."""
    try:
        bound = bind(config, DriverRegistry().component(config.component), env)
    except StepError:  # which the step itself will tell
        return 0.0
    return float(getattr(bound, "lock_timeout", 0.0))


def on_copies(
    config: StepConfig,
    env: Mapping[str, str],
    project: Path,
    copies: Mapping[Path, Path],
) -> StepConfig:
    """Return a step's config with the copies' paths in place of the files that are copied."""
    component = DriverRegistry().component(config.component)
    if not copies or files_elsewhere(config, component):
        return config
    changed: dict[str, str] = {}
    for kind in (TargetPath, InputPath):
        for name, _ in marked(component.config, kind):
            value = config.config.get(name)
            if isinstance(value, str):
                path = fill(value, env, where=f"step {config.id!r}: config.{name}")
                copy = copies.get(real_path(project / path))
                if copy is not None:
                    changed[name] = str(copy).replace("${", "$${")
    return config.model_copy(update={"config": {**config.config, **changed}})


def names_of_copies(
    targets: Iterable[TargetFile], paths: SessionPaths, project: Path
) -> dict[str, str]:
    """Return what messages call each file, by what they call its copy in the sandbox."""
    return {
        said: target.name
        for target in targets
        for copy in [target.inside(paths)]
        for said in (str(copy), in_project(copy, project))
    }

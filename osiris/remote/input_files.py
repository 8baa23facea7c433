"""Which files and hosts of the outside a run's steps reach, as their configs say."""

import glob
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from osiris.components.component import Component, Connection, InputPath
from osiris.components.marked_fields import marker, nested_models
from osiris.core.driver_registry import DriverRegistry
from osiris.core.placeholders import fill
from osiris.core.step_config import StepConfig, bind


@dataclass(frozen=True)
class InputFile:
    """A file that a step reads.

    Attributes:
        step_id: the step.
        path: where it is on this host, absolute; links in it are not followed.
        named_absolutely: whether the config names it by an absolute path.

    """

    step_id: str
    path: Path
    named_absolutely: bool

    @property
    def is_regular(self) -> bool:
        """Whether it is a plain file (or a link to one)."""
        return self.path.is_file()

    @property
    def is_socket(self) -> bool:
        """Whether it is a Unix socket."""
        try:
            return stat.S_ISSOCK(self.path.stat().st_mode)
        except OSError:
            return False


def input_files(
    configs: Mapping[str, StepConfig],
    env: Mapping[str, str],
    project: Path,
    *,
    but: Collection[Path] = (),
) -> list[InputFile]:
    """Return every file that the steps' configs name, in order, each path once a step.

    A config that names one of `but` (no link is in them) names nothing by that.

    A path that is there is itself; a pattern is all files it matches; a directory is all files in
    it. What is not there is not in the list: the step itself says so, as it does everywhere.
    """
    registry = DriverRegistry()
    found: dict[tuple[str, Path], InputFile] = {}
    for step_id, config in configs.items():
        component = registry.component(config.component)
        for value, mark in named_paths(config, component, env):
            if but and Path(os.path.realpath(project / value)) in but:
                continue
            for path in _matches(value, project, mark):
                found[step_id, path] = InputFile(step_id, path, Path(value).is_absolute())
    return list(found.values())


def named_paths(
    config: StepConfig, component: Component, env: Mapping[str, str]
) -> Iterator[tuple[str, InputPath]]:
    """Yield the values of all fields marked as `InputPath`, the connection's included.

    Not those of a step whose connection holds its files.
    """
    where = f"step {config.id!r}"
    if not files_elsewhere(config, component):
        yield from _marked(component.config, fill(config.config, env, where=where))
    if config.connection is not None and component.connection is not None:
        fields = fill(config.connection.fields, env, where=where)
        yield from _marked(component.connection, fields)


def files_elsewhere(config: StepConfig, component: Component) -> bool:
    """Tell whether the step's connection holds the files that its config names."""
    connection = component.connection
    return config.connection is not None and connection is not None and connection.holds_files


def _marked(model: type[BaseModel], values: Mapping[str, Any]) -> Iterator[tuple[str, InputPath]]:
    for name, field in model.model_fields.items():
        value = values.get(name)
        mark = marker(field, InputPath)
        if mark is not None:
            items = value if isinstance(value, list | tuple) else [value]
            yield from ((item, mark) for item in items if isinstance(item, str))
        elif isinstance(value, dict):
            for nested in nested_models(field):
                yield from _marked(nested, value)


def _matches(value: str, project: Path, mark: InputPath) -> list[Path]:
    """Return the files that a path or pattern names, with what belongs to them."""
    found = _named(value, project)
    beside = (path.with_name(path.name + end) for path in found for end in mark.beside)
    return [*found, *(path for path in beside if path.is_file())]


def _named(value: str, project: Path) -> list[Path]:
    named = Path(os.path.abspath(project / value))  # noqa: PTH100 - links are kept as they are
    if named.is_dir():
        return sorted(path for path in named.rglob("*") if path.is_file())
    if named.exists() or not glob.has_magic(value):
        return [named] if named.exists() else []
    matches = glob.glob(value, root_dir=project, recursive=True)  # noqa: PTH207 - the drivers' own rules
    paths = {Path(os.path.abspath(project / match)) for match in matches}  # noqa: PTH100 - as above
    return sorted(path for path in paths if path.is_file())


def hosts_of(
    configs: Mapping[str, StepConfig], env: Mapping[str, str]
) -> tuple[tuple[str, int], ...]:
    """Return the (host, port) pairs that the steps' connections reach, each once, sorted."""
    registry = DriverRegistry()
    found: set[tuple[str, int]] = set()
    for config in configs.values():
        component = registry.component(config.component)
        if config.connection is None or component.connection is None:
            continue
        connection = getattr(bind(config, component, env), "connection", None)
        if isinstance(connection, Connection):
            found |= {(host, port) for host, port in connection.hosts()}
    return tuple(sorted(found))

"""Connections as they can be shown: placeholders and plain settings, never a secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osiris.compiler.component_source import BrokenComponentError, load
from osiris.compiler.connection_book import ConnectionBook, DeclaredConnection
from osiris.compiler.connection_check import check_connections
from osiris.compiler.literal_secret import is_reference, named_like_a_secret, secret_in
from osiris.compiler.model_fields import is_secret
from osiris.compiler.problem import Problem, Report
from osiris.compiler.store import read_connections
from osiris.components.component import Component, Connection
from osiris.components.registry import ComponentRegistry
from osiris.core.masking import MASK
from osiris.core.placeholders import placeholders
from osiris.project import Project


@dataclass(frozen=True)
class ConnectionView:
    """One connection of the project.

    Attributes:
        declared: what the file says.
        components: the installed components that take connections of its family.
        variables: the environment variables it uses: `set`, `missing`, or `default` for one that
            is not set and has a default.
        problems: what is wrong with it.

    """

    declared: DeclaredConnection
    components: tuple[Component, ...]
    variables: dict[str, str]
    problems: tuple[Problem, ...]

    @property
    def ref(self) -> str:
        """How pipelines name it."""
        return self.declared.ref

    @property
    def model(self) -> type[Connection] | None:
        """The model of the connection, None when no installed component takes it."""
        return self.components[0].connection if self.components else None

    def shown_fields(self) -> dict[str, Any]:
        """Return the fields, nested ones with dotted names, with `***` for what may be secret."""
        return dict(self._shown(self.declared.fields, ()))

    def _shown(self, value: Any, path: tuple[str, ...]) -> list[tuple[str, Any]]:
        if isinstance(value, dict):
            return [pair for key, item in value.items() for pair in self._shown(item, (*path, key))]
        hidden = value is not None and not self._harmless(value, path)
        return [(".".join(path), MASK if hidden else value)]

    def _harmless(self, value: Any, path: tuple[str, ...]) -> bool:
        if isinstance(value, str) and is_reference(value):
            return True
        if self.model is None or isinstance(value, list):
            return False  # nothing is known about what it may hold
        secret = is_secret(self.model, path) or named_like_a_secret(path[-1])
        return not secret and secret_in(str(value)) is None


@dataclass(frozen=True)
class ConnectionViews:
    """All connections of a project, and what is wrong with the file beside them."""

    views: tuple[ConnectionView, ...]
    problems: tuple[Problem, ...]


def connection_views(project: Project, env: Mapping[str, str]) -> ConnectionViews:
    """Read the project's connections; no file means no connections.

    Raises `ConnectionConfigError` when the file cannot be read.
    """
    book, registry, report = ConnectionBook(read_connections(project.root)), _installed(), Report()
    check_connections(book, (), ComponentRegistry(), report, needed=True)
    problems = [*report.errors, *report.warnings]
    views = tuple(_view(declared, registry, env, problems) for declared in book.all())
    told = {problem for view in views for problem in view.problems}
    return ConnectionViews(views, tuple(p for p in problems if p not in told))


def _view(
    declared: DeclaredConnection,
    installed: list[Component],
    env: Mapping[str, str],
    problems: list[Problem],
) -> ConnectionView:
    path = f"connections.{declared.family}.{declared.alias}"
    variables: dict[str, str] = {}
    for name, default in placeholders(declared.fields):
        if env.get(name):
            variables[name] = "set"
        elif variables.get(name) != "missing":
            variables[name] = "missing" if default is None else "default"
    return ConnectionView(
        declared=declared,
        components=tuple(
            c for c in installed if c.connection and c.connection_family == declared.family
        ),
        variables=variables,
        problems=tuple(p for p in problems if f"{p.path}.".startswith(f"{path}.")),
    )


def _installed() -> list[Component]:
    registry, found = ComponentRegistry(), []
    for name in registry.names():
        try:
            found.append(load(registry, name))
        except BrokenComponentError:
            continue  # `osiris components list` says so
    return found

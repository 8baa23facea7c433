"""The connections of a project: how they are declared, shown without secrets, filled in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from osiris.compiler.component_source import BrokenComponentError, load
from osiris.compiler.connection_book import ConnectionBook, DeclaredConnection
from osiris.compiler.connection_check import check_connections
from osiris.compiler.literal_secret import is_reference, named_like_a_secret, secret_in
from osiris.compiler.model_fields import field_names, is_secret
from osiris.compiler.problem import Problem, Report, did_you_mean
from osiris.compiler.store import read_connections
from osiris.components.component import Component, Connection
from osiris.components.registry import ComponentRegistry
from osiris.core.errors import ConnectionConfigError, MissingVariableError, OsirisError, UsageError
from osiris.core.masking import MASK, Masker
from osiris.core.placeholders import fill, placeholders
from osiris.core.step_config import DescribedConnection, StepConfig, secrets_of
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
        if path[-1] not in field_names(self.model, path[:-1]):
            return False  # a misspelt name may be that of a secret
        secret = is_secret(self.model, path) or named_like_a_secret(path[-1])
        return not secret and secret_in(str(value)) is None


@dataclass(frozen=True)
class ConnectionViews:
    """All connections of a project, and what is wrong with the file beside them."""

    views: tuple[ConnectionView, ...]
    problems: tuple[Problem, ...]

    def named(self, ref: str) -> ConnectionView:
        """Return the connection of this name, the `@` left out or not.

        Raises `ConnectionConfigError` when the file cannot be read, `UsageError` when it has no
        such connection.
        """
        wanted = ref if ref.startswith("@") else f"@{ref}"
        for view in self.views:
            if view.ref == wanted:
                return view
        if self.problems:
            first = self.problems[0]
            raise ConnectionConfigError(f"{first.where}: {first.message}", hint=first.hint)
        refs = [view.ref for view in self.views]
        known = (
            f"the project has {', '.join(refs)}"
            if refs
            else f"`osiris connections add {wanted}` adds one"
        )
        hint = did_you_mean(wanted, refs) or known
        raise UsageError(f"there is no connection {wanted}", hint=hint)


def connection_views(project: Project, env: Mapping[str, str]) -> ConnectionViews:
    """Read the project's connections; no file means no connections.

    Raises `ConnectionConfigError` when the file cannot be read.
    """
    return views_of(read_connections(project.root), env)


def views_of(source: tuple[bytes, str] | None, env: Mapping[str, str]) -> ConnectionViews:
    """Return the connections that a file with these bytes and this name declares."""
    book, registry, report = ConnectionBook(source), _installed(), Report()
    check_connections(book, (), ComponentRegistry(), report, needed=True)
    problems = [*report.errors, *report.warnings]
    views = tuple(_view(declared, registry, env, problems) for declared in book.all())
    told = {problem for view in views for problem in view.problems}
    return ConnectionViews(views, tuple(p for p in problems if p not in told))


def connection_models() -> dict[str, type[Connection]]:
    """Return the models of all connections that the installed components take, by family."""
    return {
        component.connection_family: component.connection
        for component in _installed()
        if component.connection is not None
    }


def masker_of(view: ConnectionView, env: Mapping[str, str]) -> Masker:
    """Return what takes the connection's secrets out of messages and data."""
    if not view.components:
        return Masker()
    component = view.components[0]
    step = StepConfig(
        id=view.declared.alias,
        component=component.name,
        mode=min(component.modes),
        connection=DescribedConnection(ref=view.ref, fields=view.declared.fields),
    )
    return Masker(secrets_of(step, component, env))


def filled(view: ConnectionView, env: Mapping[str, str]) -> Connection:
    """Return the connection with its variables filled in.

    Raises `MissingVariableError` when one is not set, `ConnectionConfigError` when it is not sound.
    """
    missing = [name for name, state in view.variables.items() if state == "missing"]
    if missing:
        raise MissingVariableError(
            f"not set: {', '.join(missing)}",
            hint="export it, or put it into the project's .env file",
        )
    if view.problems:
        first = view.problems[0]
        raise ConnectionConfigError(f"{first.where}: {first.message}", hint=first.hint)
    if view.model is None:
        raise ConnectionConfigError(
            f"no installed component takes a connection of family {view.declared.family!r}",
            hint="`osiris components list` shows what is installed",
        )
    values = fill(view.declared.fields, env, where=view.ref)
    try:
        return view.model.model_validate(values)
    except ValidationError as error:
        told = error.errors(include_input=False, include_context=False, include_url=False)
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in told)
        raise ConnectionConfigError(
            f"with the variables filled in it is not valid: {problems}",
            hint="check the values of its variables",
        ) from None


def without_secrets(error: OsirisError, masker: Masker) -> OsirisError:
    """Return the error without the connection's secrets, which a server may quote."""
    hint = None if error.hint is None else masker.text(error.hint)
    error.args = (masker.text(error.message),)
    error.message, error.hint = error.args[0], hint
    return error


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

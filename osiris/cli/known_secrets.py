"""The secrets that a project and a run of it know, to be kept off everything that is passed on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from osiris.compiler.connection_book import ConnectionBook
from osiris.compiler.literal_secret import named_like_a_secret
from osiris.compiler.store import read_connections
from osiris.components.registry import ComponentRegistry
from osiris.core.errors import OsirisError
from osiris.core.layout import RunLayout
from osiris.core.placeholders import placeholders
from osiris.core.regular_file import UnusableFileError, read_regular_file
from osiris.core.step_config import StepConfig, secret_variables, secrets_of
from osiris.project import Project

_LARGEST_CONFIG: Final = 16 * 1024 * 1024
_NO_SECRETS: Final = {"PWD", "OLDPWD"}
_SHORTEST: Final = 8
"""A shorter value of a variable that is only named like a secret is a word, or `true`."""


@dataclass(frozen=True)
class KnownSecrets:
    """The values, and the variables of the run's secret fields that are not set here."""

    values: frozenset[str]
    missing: frozenset[str]


def known_secrets(project: Project, layout: RunLayout) -> KnownSecrets:
    """Return what must not leave: secret fields of the run's steps and of all connections.

    A variable that is named like one (`…_PASSWORD`, `…_API_KEY`) counts, too, unless it is short.
    """
    env = project.environment()
    values: set[str] = set()
    variables: set[str] = set()
    registry = ComponentRegistry()
    for step in _configs(layout):
        if step.component in registry:
            component = registry[step.component]
            values.update(secrets_of(step, component, env))
            variables.update(secret_variables(step, component))
    missing = frozenset(name for name in variables if not env.get(name))
    values.update(env[name] for name in _in_connections(project) if env.get(name))
    named = (name for name in env if named_like_a_secret(name) and name not in _NO_SECRETS)
    values.update(env[name] for name in named if len(env[name]) >= _SHORTEST)
    return KnownSecrets(frozenset(values), missing)


def _configs(layout: RunLayout) -> Iterable[StepConfig]:
    for path in sorted(layout.cfg.glob("*.json")):
        try:
            yield StepConfig.from_bytes(read_regular_file(path, limit=_LARGEST_CONFIG))
        except (OSError, UnusableFileError, ValidationError):
            continue


def _in_connections(project: Project) -> set[str]:
    """Return the variables of the fields of connections that are named like secrets."""
    try:
        book = ConnectionBook(read_connections(project.root))
    except OsirisError:
        return set()
    return {variable for connection in book.all() for variable in _variables(connection.fields)}


def _variables(fields: Mapping[str, Any]) -> set[str]:
    return {
        variable
        for name, value in fields.items()
        if named_like_a_secret(name)
        for variable, _ in placeholders(value)
    }

"""Secrets by declaration: what components say is secret in the steps of a run, and connections."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from osiris.compiler.connection_book import ConnectionBook
from osiris.compiler.literal_secret import named_like_a_secret
from osiris.compiler.store import read_connections
from osiris.components.registry import ComponentRegistry
from osiris.core.errors import OsirisError
from osiris.core.placeholders import placeholders
from osiris.core.step_config import StepConfig, secret_variables, secrets_of
from osiris.project import Project


def secrets_of_steps(configs: Iterable[bytes], env: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Return the secret values in a run's cfg files, and the variables that they come from.

    Of a component that is not installed here, every variable may be a secret.
    """
    values: set[str] = set()
    variables: set[str] = set()
    registry = ComponentRegistry()
    for data in configs:
        try:
            step = StepConfig.from_bytes(data)
        except ValidationError:
            continue
        if step.component in registry:
            component = registry[step.component]
            values.update(secrets_of(step, component, env))
            variables.update(secret_variables(step, component))
        else:
            names = step.variables()
            values.update(value for name in names if (value := env.get(name)))
            variables.update(name for name, default in names.items() if default is None)
    return values, variables


def variables_of_connections(project: Project) -> set[str]:
    """Return the variables of the fields of connections that are named like secrets."""
    try:
        book = ConnectionBook(read_connections(project.root))
    except OsirisError:
        return set()
    return {variable for found in book.all() for variable in _variables(found.fields)}


def _variables(fields: Mapping[str, Any]) -> set[str]:
    return {
        variable
        for name, value in fields.items()
        if named_like_a_secret(name)
        for variable, _ in placeholders(value)
    }

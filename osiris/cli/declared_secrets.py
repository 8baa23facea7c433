"""Secrets by declaration: what components say is secret in the steps of a run."""

from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from osiris.components.registry import ComponentRegistry
from osiris.core.step_config import StepConfig, secret_variables, secrets_of


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

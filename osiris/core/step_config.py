"""One step's configuration: the cfg file as data, and its binding to a component's own model."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from osiris.components.component import Component, ComponentConfig, Mode
from osiris.core.errors import ConfigError, MissingVariableError
from osiris.core.placeholders import fill, placeholders


class DescribedConnection(BaseModel):
    """A connection with every field filled in but what comes from the environment.

    `ref` is what the pipeline says (`@mysql.db_movies`); `fields` hold `${VAR}` placeholders for
    every secret.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ref: str
    fields: dict[str, Any]


class StepConfig(BaseModel):
    """The contents of `cfg/<step>.json`: canonical JSON (RFC 8785), no secret in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    component: str
    mode: Mode
    config: dict[str, Any] = Field(default_factory=dict)
    connection: DescribedConnection | None = None

    @classmethod
    def from_bytes(cls, data: bytes) -> "StepConfig":
        """Parse a cfg file; raise `pydantic.ValidationError` when it is not one."""
        return cls.model_validate_json(data)

    def variables(self) -> dict[str, str | None]:
        """Return the environment variables used, with their defaults (None: must be set)."""
        fields = self.connection.fields if self.connection else {}
        return dict(placeholders([self.config, fields]))


def _is_secret(annotation: object) -> bool:
    return "SecretStr" in str(annotation)


def secrets_of(step: StepConfig, component: Component, env: Mapping[str, str]) -> list[str]:
    """Return the values of a step's secret fields as `env` fills them, for masking.

    Both the filled field and the variables in it count. A variable that is not set counts nothing.
    """
    fields = _secret_fields(step, component)
    values = [env.get(name) or default for name, default in placeholders(fields)]
    for field in fields:
        with suppress(MissingVariableError):
            values.append(fill(field, env, where="a secret"))
    return [str(value) for value in values if value]


def secret_variables(step: StepConfig, component: Component) -> set[str]:
    """Return the names of the environment variables that fill a step's secret fields."""
    return {name for name, _ in placeholders(_secret_fields(step, component))}


def _secret_fields(step: StepConfig, component: Component) -> list[Any]:
    fields: list[Any] = [
        step.config.get(name)
        for name, field in component.config.model_fields.items()
        if _is_secret(field.annotation)
    ]
    if step.connection is not None and component.connection is not None:
        declared = component.connection.model_fields
        fields += [
            value
            for name, value in step.connection.fields.items()
            if name in declared and _is_secret(declared[name].annotation)
        ]
    return fields


def bind(step: StepConfig, component: Component, env: Mapping[str, str]) -> ComponentConfig:
    """Fill the placeholders from `env` and return the component's own validated model.

    Raises `MissingVariableError` for an unset variable and `ConfigError` for a value that the
    component refuses; the message names the field, never the value of a secret.
    """
    values = fill(step.config, env, where=f"step {step.id!r}: config")
    if step.connection is not None:
        where = f"step {step.id!r}: connection {step.connection.ref}"
        values["connection"] = fill(step.connection.fields, env, where=where)
    try:
        return component.config.model_validate(values)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'config'}: {item['msg']}"
            for item in error.errors(include_input=False, include_context=False, include_url=False)
        )
        raise ConfigError(
            f"step {step.id!r}: {component.name} refuses its configuration: {problems}",
            hint=f"`osiris components show {component.name}` lists the options",
        ) from None


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of some bytes in hex."""
    return hashlib.sha256(data).hexdigest()

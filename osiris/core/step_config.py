"""One step's configuration: the cfg file as data, and its binding to a component's own model."""

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from osiris.components.component import Component, ComponentConfig, Connection, Mode
from osiris.core.errors import ConfigError
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


def secret_fields(model: type[Connection]) -> frozenset[str]:
    """Return the names of the connection's fields that hold secrets."""
    return frozenset(
        name for name, field in model.model_fields.items() if "SecretStr" in str(field.annotation)
    )


def secret_values(connection: Connection | None) -> list[str]:
    """Return the secrets that a filled-in connection holds, for masking."""
    values = (
        [getattr(connection, name) for name in type(connection).model_fields] if connection else []
    )
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


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

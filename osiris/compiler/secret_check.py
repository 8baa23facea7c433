"""Refusing secrets that are written out: what is compiled is kept in files and shown to people."""

from typing import Any

from pydantic import BaseModel

from osiris.compiler.document import Place
from osiris.compiler.literal_secret import (
    is_reference,
    named_like_a_secret,
    secret_in,
    variable_for,
)
from osiris.compiler.model_fields import is_secret
from osiris.compiler.problem import Path


def check_secrets(model: type[BaseModel] | None, data: Any, place: Place, family: str) -> None:
    """Report every value that is a secret by its declaration, by its name, or by its form.

    By declaration: a field of `model` of type `SecretStr` must be a placeholder such as
    `${MYSQL_PASSWORD}`, without a default. By name: so must a direct member called like
    `password` or `api_key`, known to the model or not; names further down are columns and such.
    By form: no text anywhere may hold a known kind of token or a URL with a password.

    Args:
        model: what the data should be, or None when that is unknown.
        data: a mapping, params filled in.
        place: where the data came from.
        family: the connection family or component family, for the name of the variable proposed.

    """
    for path, value in _scalars(data):
        discloses = not is_reference(value) if isinstance(value, str) else value is not None
        where = place.find(path)[0]
        if discloses and _is_declared(model, path):
            hint = f"write ${{{variable_for(family, str(path[-1]))}}} and set the variable in .env"
            where.error("a secret must not be written out", hint)
        elif isinstance(value, str) and (what := secret_in(value)):
            hint = "put it into an environment variable and write ${NAME}"
            where.error(f"the text holds {what}", hint)


def _is_declared(model: type[BaseModel] | None, path: Path) -> bool:
    if model is not None and is_secret(model, tuple(p for p in path if isinstance(p, str))):
        return True
    return len(path) == 1 and named_like_a_secret(str(path[0]))


def _scalars(data: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    if isinstance(data, dict):
        return [found for key, item in data.items() for found in _scalars(item, (*path, key))]
    if isinstance(data, list):
        return [found for i, item in enumerate(data) for found in _scalars(item, (*path, i))]
    return [(path, data)]

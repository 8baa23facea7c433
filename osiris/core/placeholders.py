"""`${VAR}` and `${VAR:-default}` in configuration values; `$${` stands for a literal `${`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from osiris.core.errors import MissingVariableError

PLACEHOLDER = re.compile(
    r"(?P<escape>\$\$\{)|"
    r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>(?:(?!\$\{)[^}])*))?\}"
)


def placeholders(value: Any) -> Iterator[tuple[str, str | None]]:
    """Yield the (variable, default) pairs in a JSON-like value; a default is None when absent."""
    if isinstance(value, str):
        for match in PLACEHOLDER.finditer(value):
            if match["name"]:
                yield match["name"], match["default"]
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from placeholders(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from placeholders(item)


def has_placeholder(value: Any) -> bool:
    """Tell whether a value holds at least one placeholder."""
    return next(placeholders(value), None) is not None


def fill(value: Any, env: Mapping[str, str], *, where: str) -> Any:
    """Return a copy of a JSON-like value with every placeholder replaced from `env`.

    An empty variable counts as unset, so that `${VAR:-default}` works as in a POSIX shell.
    Raises `MissingVariableError` naming the variable and `where` it is used.
    """
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda match: _replacement(match, env, where), value)
    if isinstance(value, Mapping):
        return {
            # Nothing is filled into a key, so only the escape can stand there.
            key.replace("$${", "${"): fill(item, env, where=f"{where}.{key}")
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [fill(item, env, where=f"{where}[{i}]") for i, item in enumerate(value)]
    return value


def _replacement(match: re.Match[str], env: Mapping[str, str], where: str) -> str:
    if match["escape"]:
        return "${"
    found = env.get(match["name"]) or match["default"]
    if found is None:
        raise MissingVariableError(
            f"environment variable {match['name']} is not set; {where} needs it",
            hint=f"export {match['name']}=…, or put it into the project's .env file",
        )
    return found

"""The secrets that a project and a run of it know, to be kept off everything that is passed on."""

from dataclasses import dataclass
from typing import Final

from osiris.compiler.connection_book import ConnectionBook
from osiris.compiler.literal_secret import named_like_a_secret
from osiris.core.layout import RunLayout
from osiris.core.placeholders import placeholders
from osiris.core.regular_file import UnusableFileError, read_regular_file
from osiris.project import Project

_CONNECTIONS: Final = "osiris_connections.yaml"
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
    named = (name for name in env if named_like_a_secret(name) and name not in _NO_SECRETS)
    values = {env[name] for name in named if len(env[name]) >= _SHORTEST}
    values |= {env[name] for name in _in_connections(project) if env.get(name)}
    configs = [data for data in _configs(layout) if b"${" in data]
    if not configs:
        return KnownSecrets(frozenset(values), frozenset())
    from osiris.cli.declared_secrets import (  # noqa: PLC0415 - start-up: components and pydantic take 0.1 s
        secrets_of_steps,
    )

    in_steps, variables = secrets_of_steps(configs, env)
    missing = frozenset(name for name in variables if not env.get(name))
    return KnownSecrets(frozenset(values | in_steps), missing)


def _in_connections(project: Project) -> set[str]:
    """Return the variables of the fields of connections that are named like secrets."""
    path = project.root / _CONNECTIONS
    try:
        data = read_regular_file(path, limit=_LARGEST_CONFIG)
    except (OSError, UnusableFileError):
        return set()
    return {
        variable
        for connection in ConnectionBook((data, path.name)).all()
        for name, value in connection.fields.items()
        if named_like_a_secret(name)
        for variable, _ in placeholders(value)
    }


def _configs(layout: RunLayout) -> list[bytes]:
    found: list[bytes] = []
    for path in sorted(layout.cfg.glob("*.json")):
        try:
            found.append(read_regular_file(path, limit=_LARGEST_CONFIG))
        except (OSError, UnusableFileError):
            continue
    return found

"""What the options of `osiris run` are when the command line does not say.

The order is: the option, the variable `OSIRIS_<NAME>` of the environment, the same in `.env`,
`run: {name: …}` in osiris.yaml, the default.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource

from osiris.api import project_file
from osiris.compiler.problem import did_you_mean
from osiris.compiler.project_file import RUN_SETTINGS
from osiris.core.errors import InputError
from osiris.project import DOTENV, MARKER, Project

PREFIX = "OSIRIS_"
_PLACES = ("sandbox", "e2b")
_BELONGS_TO = {
    name: place for name in RUN_SETTINGS for place in _PLACES if name.startswith(f"{place}_")
}
_NOWHERE = (None, False, "none")
_COMMAND_LINE, _ENVIRONMENT, _DOTENV, _FILE, _DEFAULT = range(5)
_KNOWN = frozenset(f"{PREFIX}{name.upper()}" for name in RUN_SETTINGS) | {f"{PREFIX}DEBUG"}


@dataclass(frozen=True)
class Setting:
    """One option's value and where it comes from; the lowest rank goes before the others."""

    name: str
    value: Any
    origin: str
    rank: int


def run_settings(
    ctx: click.Context, project: Project, env: Mapping[str, str]
) -> dict[str, Setting]:
    """Return every setting by its name.

    Args:
        ctx: of `osiris run`; what its command line says goes before everything else.
        project: whose osiris.yaml is read.
        env: the process's variables over those of the project's `.env`.

    Raises:
        InputError: a value that the option would not take, or an osiris.yaml that is not sound.

    """
    found = {setting.name: setting for setting in _found(ctx, project, env)}
    first = min(found[place].rank for place in _PLACES)
    for place in _PLACES:  # whoever says one place with more weight ends what is said of the other
        if found[place].rank > first:
            found[place] = _default(ctx, place)
    for name, place in _BELONGS_TO.items():
        if found[place].value in _NOWHERE and found[name].rank != _COMMAND_LINE:
            found[name] = _default(ctx, name)
    return found


def unknown_variables(env: Mapping[str, str]) -> Iterator[str]:
    """Yield a line about each variable that looks like a setting and is none."""
    for name in sorted(env):
        if name.startswith(PREFIX) and name not in _KNOWN:
            near = did_you_mean(name, sorted(_KNOWN))
            yield f"{name} is no setting" + (f"; {near}" if near else "")


def _found(ctx: click.Context, project: Project, env: Mapping[str, str]) -> Iterator[Setting]:
    file = project_file(project)
    options = {option.name: option for option in ctx.command.params}
    for name in RUN_SETTINGS:
        option, variable = options[name], f"{PREFIX}{name.upper()}"
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            yield Setting(name, ctx.params[name], option.opts[0], _COMMAND_LINE)
        elif env.get(variable):
            own = variable in os.environ
            origin = variable if own else f"{variable} in {DOTENV}"
            value = _typed(ctx, option, env[variable], origin)
            yield Setting(name, value, origin, _ENVIRONMENT if own else _DOTENV)
        elif name in file.run:
            place = file.run[name]
            origin = f"{MARKER}:{place.node.mark.line}"
            yield Setting(name, _typed(ctx, option, place.value, origin), origin, _FILE)
        else:
            yield _default(ctx, name)


def _default(ctx: click.Context, name: str) -> Setting:
    return Setting(name, ctx.params[name], "default", _DEFAULT)


def _typed(ctx: click.Context, option: click.Parameter, value: Any, origin: str) -> Any:
    """Return the value as the option would take it from the command line."""
    try:
        return option.type.convert(value if isinstance(value, bool) else str(value), option, ctx)
    except click.BadParameter as error:
        raise InputError(
            f"{origin}: {option.name}: {error.message}",
            hint=f"it takes what `osiris run {option.opts[0]}` takes; see `osiris run --help`",
        ) from None

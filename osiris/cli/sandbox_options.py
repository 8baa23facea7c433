"""The options of `osiris run` that say where the steps run, and the adapter they stand for."""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from osiris.core.errors import MissingVariableError, UsageError

DEFAULT_KIND = "bubblewrap"
_NONE = "none"
_KINDS = (DEFAULT_KIND, "process", _NONE)
_UNITS = {"": 1024**2, "MB": 1000**2, "MIB": 1024**2, "GB": 1000**3, "GIB": 1024**3}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FOR_E2B = ("e2b_template", "e2b_timeout", "e2b_cpu", "e2b_memory", "e2b_install_deps", "e2b_env")
_FOR_LOCAL = ("sandbox_memory", "sandbox_cpu")


class Size(click.ParamType[int]):
    """An amount of memory: `512`, `512MiB`, `2GiB`; mebibytes when there is no unit."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the amount in bytes."""
        match = _SIZE.fullmatch(str(value).strip())
        factor = _UNITS.get(match[2].upper()) if match else None
        if match is None or factor is None or float(match[1]) <= 0:
            self.fail(f"{value!r} is not an amount of memory, such as 512MiB or 2GiB", param, ctx)
        return round(float(match[1]) * factor)


class SandboxCommand(click.Command):
    """A command whose `--sandbox` may stand alone: what follows it is never its value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Give a lone `--sandbox` its value."""
        end = args.index("--") if "--" in args else len(args)
        for option, value in pairwise(args[:end]):
            if option == "--sandbox" and value in _KINDS and not Path(value).exists():
                raise click.UsageError(f"write --sandbox={value}, without a space", ctx)
        options = [f"{arg}={DEFAULT_KIND}" if arg == "--sandbox" else arg for arg in args[:end]]
        return super().parse_args(ctx, options + args[end:])


_OPTIONS = (
    click.option(
        "--sandbox",
        type=click.Choice(_KINDS),
        metavar="[=KIND]",
        help="Run the steps in a sandbox on this machine: bubblewrap, or process, which isolates "
        "nothing; none, whatever the settings say. [default kind: bubblewrap]",
    ),
    click.option("--sandbox-memory", type=Size(), metavar="SIZE", help="Its memory, such as 2GiB."),
    click.option(
        "--sandbox-cpu",
        type=click.FloatRange(min=0, min_open=True),
        metavar="N",
        help="Its processor time in cores, such as 1.5.",
    ),
    click.option("--e2b/--no-e2b", help="Run the steps in a sandbox in E2B's cloud."),
    click.option(
        "--e2b-template",
        metavar="NAME",
        help="Template of the sandbox. [default: what `osiris e2b build-template` made, or base]",
    ),
    click.option(
        "--e2b-timeout",
        type=click.IntRange(min=30),
        metavar="SECONDS",
        help="Life of the sandbox; renewed while the run lasts. [default: 300]",
    ),
    click.option(
        "--e2b-cpu",
        type=click.IntRange(min=1),
        metavar="N",
        help="Cores: of a template built with --cpu, E2B knows no others.",
    ),
    click.option(
        "--e2b-memory",
        type=Size(),
        metavar="SIZE",
        help="Memory: of a template built with --memory, likewise.",
    ),
    click.option(
        "--e2b-install-deps",
        is_flag=True,
        help="Install what is missing there, at this machine's versions, hashes checked.",
    ),
    click.option(
        "--e2b-env",
        multiple=True,
        metavar="NAME[=VALUE]",
        help="Pass one more variable to the steps; without a value, this environment's, as a "
        "secret. May be repeated.",
    ),
    click.option("--keep-sandbox", is_flag=True, help="Leave the sandbox as it is at the end."),
)


def sandbox_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def adapter_choice(
    choices: Mapping[str, Any], env: Mapping[str, str]
) -> tuple[str, dict[str, Any], str]:
    """Return the adapter's name, its own options, and the prefix of verbose lines.

    Raises `UsageError` for options that do not go together and `MissingVariableError` for a
    variable that is to be passed and is not set.
    """
    sandbox, e2b = choices["sandbox"], choices["e2b"]
    if sandbox == _NONE:
        sandbox = None
    if sandbox and e2b:
        raise UsageError("--sandbox and --e2b both say where to run", hint="leave one of them out")
    _only_with(e2b, "--e2b", _FOR_E2B, choices)
    _only_with(sandbox, "--sandbox", _FOR_LOCAL, choices)
    _only_with(sandbox or e2b, "--sandbox or --e2b", ("keep_sandbox",), choices)
    if e2b:
        return "e2b", _e2b(choices, env), "[E2B] "
    if sandbox:
        options = {
            "kind": sandbox,
            "memory_bytes": choices["sandbox_memory"],
            "cpus": choices["sandbox_cpu"],
            "keep": choices["keep_sandbox"],
        }
        return "sandbox", options, "[sandbox] "
    return "local", {"owns_process": True}, ""


def _only_with(
    chosen: object, name: str, options: tuple[str, ...], choices: Mapping[str, Any]
) -> None:
    given = next((option for option in options if choices[option]), None)
    if given is not None and not chosen:
        raise UsageError(f"--{given.replace('_', '-')} does nothing without {name}")


def _e2b(choices: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    extra, secret = passed_variables(choices["e2b_env"], env)
    options = {
        "account_env": env,
        "template": choices["e2b_template"],
        "ttl": choices["e2b_timeout"],
        "cpus": choices["e2b_cpu"],
        "memory_bytes": choices["e2b_memory"],
        "install_deps": choices["e2b_install_deps"],
        "env": extra,
        "secret_env": frozenset(secret),
        "keep": choices["keep_sandbox"],
    }
    return {name: value for name, value in options.items() if value is not None}


def passed_variables(
    given: tuple[str, ...], env: Mapping[str, str]
) -> tuple[dict[str, str], set[str]]:
    """Return the variables of `--e2b-env`, and the names of those that are secrets.

    What stands on the command line is none: everyone on this machine can read it there.
    """
    values: dict[str, str] = {}
    secret: set[str] = set()
    for text in given:
        name, equals, value = text.partition("=")
        if not _NAME.fullmatch(name):
            raise UsageError(f"--e2b-env {text!r} is not NAME or NAME=VALUE")
        if not equals:
            if name not in env:
                raise MissingVariableError(
                    f"environment variable {name} is not set; --e2b-env is to pass it",
                    hint=f"export {name}=…, or write --e2b-env {name}=VALUE",
                )
            value = env[name]
            secret.add(name)
        values[name] = value
    return values, secret

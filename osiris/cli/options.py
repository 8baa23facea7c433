"""Options and help texts that several verbs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

EXIT_CODES = """\b
Exit codes:
  0    all is well
  1    a step failed, or what was checked is not as it should be
  2    the command line is wrong
  3    bad input: a pipeline, manifest, connection or component
  4    the environment: a variable, a package or a writable place is missing
  5    the place where the steps should run failed
  6    two runs differ (parity)
  70   a bug in Osiris
  130  interrupted (SIGINT); 143: terminated (SIGTERM)
"""

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")

params = click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a parameter of the pipeline; may be repeated.",
)


def pipeline_argument(*, required: bool = True, several: bool = False) -> Decorator:
    """Return the argument that names a pipeline's file (or several)."""
    return click.argument(
        "pipelines" if several else "pipeline",
        metavar="PIPELINE…" if several else "PIPELINE",
        type=click.Path(path_type=Path),
        required=required,
        nargs=-1 if several else 1,
    )


def parsed_params(given: tuple[str, ...]) -> dict[str, str]:
    """Return `--param` values by name; raise click's usage error for what is not NAME=VALUE."""
    values: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--param")
        if name.strip() in values:
            raise click.BadParameter(f"{name.strip()!r} is given twice", param_hint="--param")
        values[name.strip()] = value
    return values


def epilog(*examples: str) -> str:
    """Return the end of a verb's help: examples that can be typed as they stand, exit codes."""
    shown = "\n".join(f"  $ {example}" for example in examples)
    return f"\b\nExamples:\n{shown}\n\n{EXIT_CODES}"

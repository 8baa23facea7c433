"""`osiris init`: a small project that runs at once, without any server."""

import json
import shlex
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from osiris.cli import completions, options
from osiris.cli.invocation import Invocation
from osiris.cli.paths import shown
from osiris.cli.screen import document, note, result, styled
from osiris.cli.yaml_text import yaml_lines
from osiris.compiler.oml_schema import oml_schema
from osiris.components.registry import ComponentRegistry
from osiris.core.driver_registry import DriverRegistry, missing_dependency
from osiris.core.errors import UnwritableOutputError, UsageError
from osiris.project import Project

_SCHEMA = "osiris.schema.json"
_ENVIRONMENT = ".env.example"
_HIDDEN = {"env.example": _ENVIRONMENT, "gitignore": ".gitignore"}
"""Files whose names begin with a dot in the project, but not in this package."""

_COMPONENTS = ("filesystem.csv_extractor", "duckdb.processor", "filesystem.csv_writer")


@click.command(
    epilog=options.epilog(
        "osiris init", "osiris init movies", "osiris init shop --from-connection @mysql.shop"
    )
)
@click.argument("directory", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--from-connection",
    "ref",
    metavar="@FAMILY.ALIAS",
    shell_complete=completions.connections,
    help="Start from a database: its pipeline copies each table into a CSV file.",
)
@click.option(
    "--table",
    "tables",
    metavar="T",
    multiple=True,
    help="With --from-connection: only this table; * and ? stand for anything.",
)
@options.as_json
@click.pass_obj
def init_command(
    invocation: Invocation,
    /,
    *,
    directory: Path,
    ref: str | None,
    tables: tuple[str, ...],
    as_json: bool,
) -> int:
    """Write a project to DIRECTORY [default: here]: a pipeline that runs, its data, settings.

    Nothing that is there is overwritten: when one of the files exists, nothing is written. A
    connection to start from is one of DIRECTORY's own osiris_connections.yaml, or of the project
    that the command is called in. As JSON: {"directory", "files", "next"}.
    """
    root = invocation.path(directory)
    contents = _contents(root.absolute().name)
    if ref is not None:
        contents = _from(ref, tables, root, invocation, contents)
    elif tables:
        raise UsageError("--table goes with --from-connection", hint="name a connection as well")
    _refuse_to_overwrite(root, contents)
    for name, text in contents.items():
        _write(root / name, text)
    following = _next(root, to_set=ref is not None and _has_unset(root, contents[_ENVIRONMENT]))
    if as_json:
        document({"directory": str(root), "files": list(contents), "next": following})
        return 0
    for name in contents:
        result(f"created {shown(root / name)}")
    result(f"\n{styled('Next:', 'strong')}")
    for command in following:
        result(f"  {command}")
    if ref is None:
        _say_what_is_missing()
    return 0


def _from(
    ref: str, tables: tuple[str, ...], root: Path, invocation: Invocation, example: dict[str, str]
) -> dict[str, str]:
    """Return the files of a project that starts from a connection, in place of the example's."""
    from osiris.cli.init_from import (  # noqa: PLC0415 - the example needs no connection
        beginning_from,
    )

    kept = (_SCHEMA, "osiris.yaml", ".gitignore")
    begun = beginning_from(ref, tables, root, invocation)
    return {**{name: example[name] for name in kept}, **begun}


def _contents(name: str) -> dict[str, str]:
    """Return the files of the project by their names, relative to it."""
    found: dict[str, str] = {}
    for path, source in _templates(files("osiris.cli") / "template"):
        found[_HIDDEN.get(path, path)] = source.read_text("utf-8")
    found["osiris.yaml"] = found["osiris.yaml"].replace("{name}", yaml_lines(name)[0])
    schema = json.dumps(oml_schema(ComponentRegistry()), indent=2, ensure_ascii=False)
    return {**dict(sorted(found.items())), _SCHEMA: schema + "\n"}


def _templates(directory: Traversable, prefix: str = "") -> list[tuple[str, Traversable]]:
    found = []
    for entry in directory.iterdir():
        path = prefix + entry.name
        found += _templates(entry, f"{path}/") if entry.is_dir() else [(path, entry)]
    return found


def _refuse_to_overwrite(root: Path, contents: dict[str, str]) -> None:
    there = [name for name in contents if (root / name).exists() or (root / name).is_symlink()]
    if there:
        raise UsageError(
            f"{root} already holds {', '.join(there)}",
            hint="`osiris init` overwrites nothing: name another directory",
        )


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UnwritableOutputError(
            f"cannot write {path}: {error.strerror}", hint="check the directory and its rights"
        ) from error


def _has_unset(root: Path, example: str) -> bool:
    """Tell whether a variable of .env.example has no value yet."""
    env = Project.at(root).environment()
    names = [line.partition("=")[0] for line in example.splitlines() if line.endswith("=")]
    return not all(env.get(name) for name in names)


def _next(root: Path, *, to_set: bool) -> list[str]:
    """Return the three commands to go on with; `to_set` when variables must be set first."""
    if root.absolute() == Path.cwd():
        first = "osiris validate pipeline.yaml"
    else:
        place = shown(root)
        first = shlex.join(["cd", f"./{place}" if place.startswith("-") else place])
    if to_set:
        return [first, f"cp {_ENVIRONMENT} .env   # and fill it in", "osiris run pipeline.yaml"]
    return [first, "osiris run pipeline.yaml", "osiris logs show last"]


def _say_what_is_missing() -> None:
    registry = DriverRegistry()
    for name in _COMPONENTS:
        missing = registry.missing_packages(name)
        if missing:
            note(f"its pipeline needs {', '.join(missing)}:")
            note(f"  {missing_dependency(registry.component(name), missing).hint}")
            return

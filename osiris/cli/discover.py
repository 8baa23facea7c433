"""`osiris discover`: which tables there are behind a connection, or what is in files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from osiris.cli import completions, options
from osiris.cli.crash import beware
from osiris.cli.discovered import show
from osiris.cli.invocation import Invocation
from osiris.cli.new_pipeline import pipeline_text, write_pipeline
from osiris.cli.paths import shown
from osiris.cli.screen import document, result, styled
from osiris.core.discovery import Wanted
from osiris.core.errors import UsageError
from osiris.core.project_path import in_project
from osiris.discovery.discover import bounded, discover_connection, discover_files
from osiris.discovery.pipeline import pipeline_of, slug_of
from osiris.discovery.result import Discovery
from osiris.project import Project

_MOST_SAMPLES = 1000
_FAMILIES = {"mysql": "mysql", "mariadb": "mysql", "postgres": "postgres", "postgresql": "postgres"}
"""The family of connections that a URL's scheme stands for."""


@click.command(
    "discover",
    epilog=options.epilog(
        "osiris discover @mysql.db_movies",
        "osiris discover @mysql.db_movies --table 'movie*' --samples 5",
        "osiris discover @mysql.db_movies --as-pipeline --output copy.yaml",
        "osiris discover 'data/reviews-*.csv' --samples 3 --json",
    ),
)
@click.argument(
    "targets",
    metavar="@FAMILY.ALIAS[/PATH] | FILE…",
    nargs=-1,
    required=True,
    shell_complete=completions.connections_or_files,
)
@click.option(
    "--schema", metavar="S", help="Look into this schema (in MySQL: database). [default: its own]"
)
@click.option(
    "--table",
    "tables",
    metavar="T",
    multiple=True,
    help="Only this table; * and ? stand for anything. May be repeated.",
)
@click.option(
    "--samples",
    type=click.IntRange(0, _MOST_SAMPLES),
    default=0,
    metavar="N",
    help="Also read the first N rows of each table, whichever come first.",
)
@click.option(
    "--reveal",
    metavar="COLUMN",
    multiple=True,
    help="Show a column of the samples although its name looks like a secret's. May be repeated.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long it may take.",
)
@click.option(
    "--as-pipeline", is_flag=True, help="Print a pipeline that copies each table into a CSV file."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --as-pipeline: write it there; nothing is overwritten.",
)
@options.as_json
@click.pass_obj
def discover_command(
    invocation: Invocation,
    /,
    *,
    targets: tuple[str, ...],
    as_pipeline: bool,
    output: Path | None,
    as_json: bool,
    **choices: Any,
) -> int:
    """Say which tables a connection leads to, or what files hold; nothing is changed.

    For each table: its columns with their types there and in Arrow, keys, comments, an estimate of
    its rows and, with --samples, rows. Columns of samples that look like a secret or personal
    (password, token, email; docs/how-to/discover.md has the list) are shown as ***.

    As JSON: {"found": [{"target", "component", "connection", "tables": [{"schema", "name", "kind",
    "estimated_rows", "comment", "columns": [{"name", "native_type", "arrow_type", "nullable",
    "comment", "masked"}], "keys": [{"kind", "name", "columns", "references",
    "referenced_columns"}], "samples": [[text or null]] or null, "problems"}]}]}; with
    --as-pipeline {"pipeline", "file"}.
    """
    if output is not None and not as_pipeline:
        raise UsageError("--output goes with --as-pipeline", hint="add --as-pipeline")
    project = invocation.project()
    found = [_discovery(invocation, project, target, **choices) for target in targets]
    if as_pipeline:
        return _as_pipeline(invocation, found, output, as_json=as_json)
    if as_json:
        document({"found": [discovery.to_dict() for discovery in found]})
        return 0
    for discovery in found:
        show(discovery)
    return 0


def _discovery(
    invocation: Invocation,
    project: Project,
    target: str,
    *,
    schema: str | None,
    tables: tuple[str, ...],
    samples: int,
    reveal: tuple[str, ...],
    timeout: float,
) -> Discovery:
    wanted = Wanted(
        schema=schema, tables=tables, samples=samples, base_dir=project.root, seconds=timeout
    )
    with bounded(wanted) as limited:
        _refuse_urls(target)
        if not target.startswith("@"):
            path = in_project(invocation.path(Path(target)), project.root)
            return discover_files(path, limited, reveal)
        env = project.environment()
        beware(env)
        return discover_connection(target, project, env, limited, reveal)


def _refuse_urls(target: str) -> None:
    """Tell what stands for a URL here; it is not quoted, a password may be in it."""
    scheme, found, _ = target.partition("://")
    if found:
        ref = f"@{_FAMILIES.get(scheme, 'FAMILY')}.NAME"
        raise UsageError(
            f"a URL ({scheme}://…) is no name of a connection",
            hint=f"`osiris connections add {ref} host=… database=… user=…`, then "
            f"`osiris discover {ref}`; files of a bucket are @s3.NAME/PATH",
        )


def _as_pipeline(
    invocation: Invocation, found: Sequence[Discovery], output: Path | None, *, as_json: bool
) -> int:
    pipeline = pipeline_of(found, _name(found[0]))
    if not pipeline["steps"]:
        raise UsageError(
            "there is no table that can be read", hint="see what there is: leave --as-pipeline out"
        )
    text = pipeline_text(pipeline, found)
    path = None if output is None else invocation.path(output)
    if path is not None:
        write_pipeline(path, text)
    if as_json:
        document({"pipeline": pipeline, "file": None if path is None else str(path)})
    elif path is None:
        result(text.rstrip("\n"))
    else:
        result(f"created {shown(path)}")
        result(f"\n{styled('Next:', 'strong')}\n  osiris run {shown(path)}")
    return 0


def _name(discovery: Discovery) -> str:
    """Return a name for the pipeline: the connection's alias, or the file's name."""
    if discovery.connection is not None:
        return f"copy-{discovery.connection.rpartition('.')[2]}"
    return f"copy-{slug_of(Path(discovery.target).name.partition('.')[0]) or 'files'}"

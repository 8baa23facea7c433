"""`osiris connections exec`: one read-only query over a connection."""

from typing import Any

import click

from osiris.cli import completions, options
from osiris.cli.crash import beware
from osiris.cli.invocation import Invocation
from osiris.cli.rows import show_rows
from osiris.cli.screen import document, note, result
from osiris.core.discovery import Wanted
from osiris.discovery.discover import bounded
from osiris.discovery.query import QueryRows, run_query


@click.command(
    "exec",
    short_help="Run a query that only reads and show its rows.",
    epilog=options.epilog(
        "osiris connections exec @mysql.shop 'SELECT COUNT(*) AS n FROM movies'",
        "osiris connections exec @mysql.shop 'SELECT * FROM movies' --limit 10",
        "osiris connections exec @mysql.shop 'SELECT 1 AS one' --format jsonl",
    ),
)
@click.argument("ref", metavar="@FAMILY.ALIAS", shell_complete=completions.connections)
@click.argument("sql", metavar="SQL")
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    metavar="N",
    help="Show at most so many rows.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "jsonl"]),
    default="table",
    show_default=True,
    help="How rows are written.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long it may take.",
)
@options.as_json
@click.pass_obj
def exec_command(
    invocation: Invocation,
    /,
    *,
    ref: str,
    sql: str,
    limit: int,
    form: str,
    timeout: float,
    as_json: bool,
) -> int:
    """Run one query that only reads, as an extractor of the connection's family does.

    The server refuses whatever would change something. Values are shown as they are: nothing is
    masked. As JSON: {"columns": [{"name", "type"}], "rows": [[text or null]], "truncated"}.
    """
    project = invocation.project()
    env = project.environment()
    beware(env)
    with bounded(Wanted(samples=limit, base_dir=project.root, seconds=timeout)) as limits:
        found = run_query(ref, sql, project, env, limits)
    if as_json:
        _document(found)
        return 0
    {"table": _as_table, "csv": _as_csv, "jsonl": _as_json_lines}[form](found.table)
    if found.truncated:
        note(f"the first {limit} rows; there are more (--limit)")
    return 0


def _document(found: QueryRows) -> None:
    from osiris.discovery.masked_rows import texts  # noqa: PLC0415 - `--help` needs no Arrow

    document(
        {
            "columns": [{"name": f.name, "type": str(f.type)} for f in found.table.schema],
            "rows": texts(found.table, longest=None),
            "truncated": found.truncated,
        }
    )


def _as_table(table: Any) -> None:
    from osiris.discovery.masked_rows import texts  # noqa: PLC0415 - `--help` needs no Arrow

    show_rows(table.schema.names, texts(table))


def _as_csv(table: Any) -> None:
    from osiris.discovery.written_rows import csv_of  # noqa: PLC0415 - as above

    result(csv_of(table).removesuffix("\n"))


def _as_json_lines(table: Any) -> None:
    from osiris.discovery.written_rows import json_lines_of  # noqa: PLC0415 - as above

    for line in json_lines_of(table):
        result(line)

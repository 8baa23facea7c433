"""Figures: what the sandbox on this machine costs, on a small run and on a large table."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.figure import Bar, Figure
from bench.measure import Command, alternate
from bench.movies import movies_project
from bench.mysql_to_csv import csv_project, large_table
from tests.support.mariadb import MariaDBServer

_SMALL_ROUNDS = 3  # the small run is short, so it is run this many times more often


def figures(server: MariaDBServer, work: Path, sizes: list[int], rounds: int) -> Iterator[Figure]:
    """Measure the movies run and MySQL to CSV, here and in the sandbox by turns."""
    here = movies_project(server, work / "movies-sandbox").run_command()
    local, boxed = alternate([here, _in_sandbox(here)], rounds * _SMALL_ROUNDS)
    yield Figure(
        "movies in the local sandbox, minus local",
        boxed.seconds - local.seconds,
        Bar(0.7, "s"),
        f"{boxed.seconds:.3f} s; local {local.seconds:.3f} s",
    )
    rows = sizes[0]
    with large_table(server, rows) as table:
        here = csv_project(server, work / f"sandbox_{rows}", table, writers=1).run_command()
        local, boxed = alternate([here, _in_sandbox(here)], rounds)
    yield Figure(
        f"MySQL → CSV in the local sandbox, {rows:,} rows",
        boxed.seconds / local.seconds,
        Bar(1.15, "×"),
        f"{boxed.seconds:.2f} s; local {local.seconds:.2f} s",
    )


def _in_sandbox(command: Command) -> Command:
    return replace(command, name=f"{command.name} --sandbox", argv=[*command.argv, "--sandbox"])

"""Figures: what showing a run costs it: a live table on a terminal beside nothing at all."""

import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.figure import Bar, Figure
from bench.measure import Command, alternate
from bench.mysql_to_csv import csv_project, large_table
from bench.workspace import Project
from tests.support.debian import ensure_programs
from tests.support.mariadb import MariaDBServer

_ROUNDS = 9
"""Fewer would show how busy the machine is, not what a table of two lines costs."""


def figures(server: MariaDBServer, work: Path, sizes: list[int], rounds: int) -> Iterator[Figure]:
    """Measure the same run of the smallest size with progress shown and with none."""
    ensure_programs({"script": "bsdutils"})
    rows = sizes[0]
    with large_table(server, rows) as table:
        project = csv_project(server, work / f"shown_{rows}", table, writers=1)
        ways = [_on_a_terminal(project, progress) for progress in ("none", "live")]
        none, live = alternate(ways, max(rounds, _ROUNDS))
    detail = f"{live.seconds:.3f} s; --progress none {none.seconds:.3f} s"
    name = f"MySQL → CSV, {rows:,} rows: cost of the live table"
    yield Figure(name, 100 * (live.seconds / none.seconds - 1), Bar(2, "%"), detail)


def _on_a_terminal(project: Project, progress: str) -> Command:
    """The run below `script`, which gives it a terminal and reads what it shows."""
    command = project.run_command("--progress", progress)
    argv = ["script", "--quiet", "--return", "--command", shlex.join(command.argv), "/dev/null"]
    return replace(command, argv=argv, env={**command.env, "TERM": "xterm-256color"})

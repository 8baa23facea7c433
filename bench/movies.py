"""Figures: the ten steps of examples/movies, and the commands that only look at a pipeline."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Bar, Figure
from bench.measure import Command, alternate
from bench.workspace import OSIRIS, Project
from tests.support.mariadb import MariaDBServer

_EXAMPLE = Path(__file__).parents[1] / "examples" / "movies"
_SMALL_ROUNDS = 3  # these are short, so they are run this many times more often


def figures(server: MariaDBServer, work: Path, rounds: int) -> Iterator[Figure]:
    """Measure the run, `osiris --help` and `osiris compile`."""
    project = movies_project(server, work / "movies")
    run, bare = alternate([project.run_command(), _import_click(work)], rounds * _SMALL_ROUNDS)
    detail = f"python -c 'import click' {bare.seconds:.3f} s"
    yield Figure("movies, ten steps", run.seconds, Bar(0.8, "s"), detail)
    yield from _start_up(project, work, rounds * _SMALL_ROUNDS)


def _start_up(project: Project, work: Path, rounds: int) -> Iterator[Figure]:
    where, env = project.directory, project.env
    commands = [
        Command("osiris --help", [OSIRIS, "--help"], where, env),
        Command("osiris compile", [OSIRIS, "compile", "pipeline.yaml"], where, env),
        _import_click(work),
    ]
    helped, compiled, bare = alternate(commands, rounds)
    detail = f"python -c 'import click' {bare.seconds:.3f} s"
    bars = ((0.12, 3), (0.4, 12))
    for command, series, (seconds, times) in zip(commands, (helped, compiled), bars, strict=False):
        yield Figure(command.name, series.seconds, Bar(seconds, "s"), detail)
        ratio = series.seconds / bare.seconds
        yield Figure(f"{command.name}, ratio", ratio, Bar(times, "×"), detail)


def movies_project(server: MariaDBServer, directory: Path) -> Project:
    """Copy the example, fill its database anew and compile it."""
    server.execute("DROP DATABASE IF EXISTS movies")
    server.execute("CREATE DATABASE movies")
    server.script((_EXAMPLE / "schema.sql").read_text(), "movies")
    shutil.copytree(_EXAMPLE, directory, ignore=shutil.ignore_patterns("logs", "output", ".env"))
    env = {
        "MYSQL_HOST": server.host,
        "MYSQL_PORT": str(server.port),
        "MYSQL_USER": server.login.user,
        "MYSQL_PASSWORD": server.login.password,
    }
    project = Project(directory, env)
    project.compile()
    return project


def _import_click(work: Path) -> Command:
    return Command("python -c 'import click'", [sys.executable, "-c", "import click"], work)

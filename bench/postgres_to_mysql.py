"""Figures: PostgreSQL to MySQL, beside LOAD DATA LOCAL of a file that is ready."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.figure import Bar, Figure
from bench.measure import Command, alternate, run_once
from bench.mysql_to_csv import DATABASE, make_table
from bench.workspace import Project
from tests.support.mariadb import MariaDBServer
from tests.support.postgres import PostgresServer

_MEMORY_MB = 350
_SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "16GB"}


def figures(mysql: MariaDBServer, work: Path, sizes: list[int], rounds: int) -> Iterator[Figure]:
    """Measure an append of every size."""
    with PostgresServer(_SETTINGS) as postgres:
        postgres.create_database(DATABASE)
        for rows in sizes:
            yield from _figures(mysql, postgres, work, rows, rounds)


def _figures(
    mysql: MariaDBServer, postgres: PostgresServer, work: Path, rows: int, rounds: int
) -> Iterator[Figure]:
    source, target = f"from_postgres_{rows}", f"into_mysql_{rows}"
    make_table(mysql, source, rows)
    mysql.execute(f"CREATE TABLE {target} LIKE {source}", DATABASE)
    places = {"mysql": mysql.connection(DATABASE), "postgres": postgres.connection(DATABASE)}
    # As the command line clients come: without TLS.
    places["postgres"] = {**places["postgres"], "tls": {"mode": "disabled"}}
    run_once(_copy(work / source, places, ("mysql", source), ("postgres", source)).run_command())
    project = _copy(work / target, places, ("postgres", source), ("mysql", target))
    ready = work / f"{source}.tsv"
    mysql.execute(f"SELECT * INTO OUTFILE '{ready}' FROM {source}", DATABASE)
    commands = [project.run_command(), _load(mysql, work, ready, target)]
    ours, theirs = alternate([_emptied(c, mysql, target) for c in commands], rounds)
    name = f"PostgreSQL → MySQL append, {rows:,} rows"
    detail = f"{ours.seconds:.2f} s; LOAD DATA LOCAL of a ready file {theirs.seconds:.2f} s"
    yield Figure(name, ours.seconds / theirs.seconds, Bar(1.4, "×"), detail)
    yield Figure(f"{name}, peak memory", ours.megabytes, Bar(_MEMORY_MB, "MB"), "whole process")
    ready.unlink()
    mysql.execute(f"DROP TABLE {source}, {target}", DATABASE)
    postgres.execute(f"DROP TABLE {source}", DATABASE)


def _copy(
    where: Path, places: dict[str, dict[str, Any]], source: tuple[str, str], target: tuple[str, str]
) -> Project:
    """Make a project that copies a table from one family's server to another's."""
    read = {"connection": f"@{source[0]}.db_bench", "table": source[1]}
    write = {
        "connection": f"@{target[0]}.db_bench",
        "table": target[1],
        "create_if_missing": True,
    }
    steps = [
        {"id": "extract", "component": f"{source[0]}.extractor", "mode": "read", "config": read},
        {"id": "write", "component": f"{target[0]}.writer", "mode": "write", "config": write},
    ]
    others = {family: place for family, place in places.items() if family != "mysql"}
    return Project.create(where, steps, places["mysql"], others)


def _load(mysql: MariaDBServer, work: Path, ready: Path, table: str) -> Command:
    load = f"LOAD DATA LOCAL INFILE '{ready}' INTO TABLE {table} CHARACTER SET utf8mb4"
    options = ("--local-infile=1", f"--execute={load}")
    argv = mysql.client_command(DATABASE, *options, over_tcp=True)
    return Command("LOAD DATA LOCAL", argv, work)


def _emptied(command: Command, mysql: MariaDBServer, table: str) -> Command:
    """Return the command with the table emptied before every run."""
    before = command.before

    def empty() -> None:
        before()
        mysql.execute(f"TRUNCATE {table}", DATABASE)

    return Command(
        command.name, command.argv, command.cwd, command.env, command.stdout, before=empty
    )

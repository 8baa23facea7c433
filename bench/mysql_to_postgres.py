"""Figures: MySQL to PostgreSQL, beside the two servers' own clients with a pipe between them."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from bench.figure import Bar, Figure
from bench.measure import Command, alternate
from bench.mysql_to_csv import DATABASE, make_table
from bench.workspace import Project
from tests.support.mariadb import MariaDBServer
from tests.support.postgres import PostgresServer

_MEMORY_MB = 350
# The table stays in memory, so that no disk is measured.
_SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "16GB"}
CREATE = """
CREATE TABLE {table} (
    id bigint NOT NULL,
    name varchar(64) NOT NULL,
    note varchar(64) NOT NULL,
    amount numeric(12, 2) NOT NULL,
    at timestamp NOT NULL,
    quantity integer,
    ratio double precision NOT NULL,
    active smallint NOT NULL
)
"""


def figures(mysql: MariaDBServer, work: Path, sizes: list[int], rounds: int) -> Iterator[Figure]:
    """Measure an append of every size."""
    with PostgresServer(_SETTINGS) as postgres:
        postgres.create_database(DATABASE)
        for rows in sizes:
            yield from _figure(mysql, postgres, work, rows, rounds)


def _figure(
    mysql: MariaDBServer, postgres: PostgresServer, work: Path, rows: int, rounds: int
) -> Iterator[Figure]:
    table = f"to_postgres_{rows}"
    make_table(mysql, table, rows)
    postgres.execute(CREATE.format(table=table), DATABASE)
    project = _project(mysql, postgres, work / table, table)
    ours, pipe = alternate(
        [
            _emptied(project.run_command(), postgres, table),
            _emptied(_pipe(mysql, postgres, work, table), postgres, table),
        ],
        rounds,
    )
    name = f"MySQL → PostgreSQL append, {rows:,} rows"
    detail = f"{ours.seconds:.2f} s; mariadb --batch | psql COPY {pipe.seconds:.2f} s"
    yield Figure(name, ours.seconds / pipe.seconds, Bar(1.2, "×"), detail)
    yield Figure(f"{name}, peak memory", ours.megabytes, Bar(_MEMORY_MB, "MB"), "whole process")
    mysql.execute(f"DROP TABLE {table}", DATABASE)
    postgres.execute(f"DROP TABLE {table}", DATABASE)


def _project(mysql: MariaDBServer, postgres: PostgresServer, where: Path, table: str) -> Project:
    read = {"connection": "@mysql.db_bench", "table": table}
    write = {"connection": "@postgres.db_bench", "table": table}
    steps = [
        {"id": "extract", "component": "mysql.extractor", "mode": "read", "config": read},
        {"id": "write", "component": "postgres.writer", "mode": "write", "config": write},
    ]
    # As psql comes: without TLS.
    plain = {**postgres.connection(DATABASE), "tls": {"mode": "disabled"}}
    return Project.create(where, steps, mysql.connection(DATABASE), {"postgres": plain})


def _pipe(mysql: MariaDBServer, postgres: PostgresServer, work: Path, table: str) -> Command:
    query = ("--quick", "--batch", "--skip-column-names", f"--execute=SELECT * FROM {table}")
    read = mysql.client_command(DATABASE, *query, over_tcp=True)
    copy = f"COPY {table} FROM STDIN WITH (NULL 'NULL')"
    write = postgres.psql_command(DATABASE, "--quiet", f"--command={copy}")
    line = f"set -o pipefail; {shlex.join(read)} | {shlex.join(write)}"
    return Command("mariadb --batch | psql COPY", ["bash", "-c", line], work)


def _emptied(command: Command, postgres: PostgresServer, table: str) -> Command:
    """Return the command with the table emptied, and its log written, before every run."""
    before = command.before

    def empty() -> None:
        before()
        postgres.execute(f"TRUNCATE {table}; CHECKPOINT", DATABASE)

    return Command(
        command.name, command.argv, command.cwd, command.env, command.stdout, before=empty
    )

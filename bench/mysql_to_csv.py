"""Figures: MySQL to CSV beside the server's own command line client, and three at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.figure import Bar, Figure
from bench.measure import Command, Series, alternate
from bench.workspace import Project
from tests.support.mariadb import MariaDBServer

DATABASE = "bench"
# Up to here a run's fixed costs still weigh; from here on it must be faster than the client.
_LARGE = 10_000_000
_CREATE = """
CREATE TABLE {table} (
    id BIGINT NOT NULL PRIMARY KEY,
    name VARCHAR(64) NOT NULL,
    note VARCHAR(64) NOT NULL,
    amount DECIMAL(12, 2) NOT NULL,
    at DATETIME(6) NOT NULL,
    quantity INT,
    ratio DOUBLE NOT NULL,
    active TINYINT(1) NOT NULL
) CHARACTER SET utf8mb4
"""
_FILL = """
INSERT INTO {table} SELECT
    seq,
    CONCAT('Ærø, ', LPAD(CRC32(seq), 10, '0'), ' š', seq % 97),
    CONCAT('say "', HEX(CRC32(seq * 7)), '" to Žofie', IF(seq % 3, ', now', '')),
    (CRC32(seq * 3) % 100000000) / 100,
    TIMESTAMP('2020-01-01') + INTERVAL (CRC32(seq * 5) % 100000000) SECOND
        + INTERVAL (CRC32(seq * 11) % 1000000) MICROSECOND,
    IF(CRC32(seq * 13) % 100 < 15, NULL, CRC32(seq * 13) % 1000000),
    CRC32(seq * 17) / 4294967296.0e0,
    seq % 2
FROM seq_1_to_{rows}
"""


@contextmanager
def bench_server(directory: Path) -> Iterator[MariaDBServer]:
    """A server whose buffer holds the tables, so that its disk is not measured.

    It offers no TLS: Osiris would use it, the command line client would not.
    """
    options = ["--innodb-buffer-pool-size=4G", "--innodb-log-file-size=512M", "--skip-ssl"]
    with MariaDBServer(directory, options=options) as server:
        server.execute(f"CREATE DATABASE {DATABASE}")
        yield server


@contextmanager
def large_table(server: MariaDBServer, rows: int) -> Iterator[str]:
    """Fill a table of eight columns and drop it at the end; give its name."""
    table = f"t_{rows}"
    server.execute(_CREATE.format(table=table), DATABASE)
    server.execute(_FILL.format(table=table, rows=rows), DATABASE)
    yield table
    server.execute(f"DROP TABLE {table}", DATABASE)


def figures(server: MariaDBServer, work: Path, sizes: list[int], rounds: int) -> Iterator[Figure]:
    """Measure every size; the last figure compares memory between the first and the last."""
    memory = []
    for rows in sizes:
        with large_table(server, rows) as table:
            one = csv_project(server, work / f"one_{rows}", table, writers=1)
            dump = _client(server, work, table)
            ours, theirs = alternate([one.run_command(), dump], rounds)
            memory.append(ours.megabytes)
            yield from _beside_client(rows, ours, theirs)
            if rows == sizes[0]:
                three = csv_project(server, work / f"three_{rows}", table, writers=3)
                yield from _three_at_once(rows, one, three, rounds)
            dump.before()
    if len(memory) > 1:
        detail = f"{memory[0]:.0f} MB at {sizes[0]:,} rows, {memory[-1]:.0f} MB at {sizes[-1]:,}"
        yield Figure("MySQL → CSV, memory", memory[-1] / memory[0], Bar(1.15, "×"), detail)


def make_table(server: MariaDBServer, table: str, rows: int) -> None:
    """Make the table that is measured, and fill it."""
    server.execute(_CREATE.format(table=table), DATABASE)
    server.execute(_FILL.format(table=table, rows=rows), DATABASE)


def _beside_client(rows: int, ours: Series, theirs: Series) -> Iterator[Figure]:
    name = f"MySQL → CSV, {rows:,} rows"
    detail = f"{ours.seconds:.2f} s; mariadb --quick --batch > file {theirs.seconds:.2f} s"
    bar = Bar(1.0 if rows >= _LARGE else 1.25, "×")
    yield Figure(name, ours.seconds / theirs.seconds, bar, detail)
    yield Figure(f"{name}, peak memory", ours.megabytes, Bar(220, "MB"), "whole process")


def _three_at_once(rows: int, one: Project, three: Project, rounds: int) -> Iterator[Figure]:
    single, triple = alternate([one.run_command(), three.run_command()], rounds)
    name = f"three MySQL → CSV in one pipeline, {rows:,} rows each"
    detail = f"{triple.seconds:.2f} s; one {single.seconds:.2f} s"
    yield Figure(name, triple.seconds / single.seconds, Bar(2.2, "×"), detail)
    yield Figure(f"{name}, peak memory", triple.megabytes, Bar(400, "MB"), "whole process")


def csv_project(server: MariaDBServer, directory: Path, table: str, writers: int) -> Project:
    """Make a project that copies the table to so many files at once."""
    steps: list[dict[str, Any]] = []
    for n in range(1, writers + 1):
        config = {"connection": "@mysql.db_bench", "table": table}
        read = {"id": f"extract-{n}", "component": "mysql.extractor", "mode": "read"}
        write = {"id": f"write-{n}", "component": "filesystem.csv_writer", "mode": "write"}
        steps += [
            {**read, "config": config},
            {**write, "needs": [f"extract-{n}"], "config": {"path": f"output/{n}.csv"}},
        ]
    return Project.create(directory, steps, server.connection(DATABASE))


def _client(server: MariaDBServer, work: Path, table: str) -> Command:
    out = work / "client.tsv"
    query = ("--quick", "--batch", f"--execute=SELECT * FROM {table}")
    return Command(
        "mariadb --quick --batch",
        server.client_command(DATABASE, *query, over_tcp=True),
        work,
        stdout=out,
        before=lambda: out.unlink(missing_ok=True),
    )

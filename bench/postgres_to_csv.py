r"""Figures: PostgreSQL to CSV beside `psql \copy … csv`."""

from collections.abc import Iterator
from pathlib import Path

from bench.figure import Bar, Figure
from bench.measure import Command, alternate
from bench.mysql_to_csv import DATABASE
from bench.workspace import Project
from tests.support.postgres import PostgresServer

_MEMORY_MB = 350
_TIMES = 1.5
# The table stays in memory, so that no disk is measured.
_SETTINGS = {"shared_buffers": "4GB", "max_wal_size": "16GB"}
_FILL = """
CREATE TABLE {table} AS SELECT
    i AS id,
    'Ærø, ' || lpad(abs(hashint8(i))::text, 10, '0') || ' š' || i % 97 AS name,
    'say "' || to_hex(hashint8(i * 7)) || '" to Žofie'
        || CASE WHEN i % 3 > 0 THEN ', now' ELSE '' END AS note,
    (abs(hashint8(i * 3)::bigint) % 100000000 / 100.0)::numeric(12, 2) AS amount,
    TIMESTAMP '2020-01-01' + abs(hashint8(i * 5)::bigint) % 100000000 * INTERVAL '1 s'
        + abs(hashint8(i * 11)::bigint) % 1000000 * INTERVAL '1 us' AS at,
    CASE WHEN abs(hashint8(i * 13)::bigint) % 100 >= 15 THEN hashint8(i * 13) % 1000000 END
        AS quantity,
    hashint8(i * 17) / 4294967296.0::double precision AS ratio,
    i % 2 = 1 AS active
FROM generate_series(1, {rows}::bigint) AS i;
ALTER TABLE {table} ADD PRIMARY KEY (id);
VACUUM ANALYZE {table}
"""


def figures(work: Path, sizes: list[int], rounds: int) -> Iterator[Figure]:
    """Measure every size; the last figure compares memory between the first and the last."""
    memory = []
    with PostgresServer(_SETTINGS) as server:
        server.create_database(DATABASE)
        for rows in sizes:
            table = f"t_{rows}"
            for statement in _FILL.format(table=table, rows=rows).split(";\n"):
                server.execute(statement, DATABASE)
            project = _project(server, work / f"postgres_{rows}", table)
            client = _client(server, work, table)
            ours, theirs = alternate([project.run_command(), client], rounds)
            memory.append(ours.megabytes)
            name = f"PostgreSQL → CSV, {rows:,} rows"
            detail = f"{ours.seconds:.2f} s; psql \\copy csv {theirs.seconds:.2f} s"
            yield Figure(name, ours.seconds / theirs.seconds, Bar(_TIMES, "×"), detail)
            peak = f"{name}, peak memory"
            yield Figure(peak, ours.megabytes, Bar(_MEMORY_MB, "MB"), "whole process")
            client.before()
            server.execute(f"DROP TABLE {table}", DATABASE)
    if len(memory) > 1:
        detail = f"{memory[0]:.0f} MB at {sizes[0]:,} rows, {memory[-1]:.0f} MB at {sizes[-1]:,}"
        yield Figure("PostgreSQL → CSV, memory", memory[-1] / memory[0], Bar(1.15, "×"), detail)


def _project(server: PostgresServer, directory: Path, table: str) -> Project:
    read = {"connection": "@postgres.db_bench", "table": table}
    write = {"path": "output/1.csv"}
    steps = [
        {"id": "extract", "component": "postgres.extractor", "mode": "read", "config": read},
        {"id": "write", "component": "filesystem.csv_writer", "mode": "write", "config": write},
    ]
    # As psql comes: without TLS.
    plain = {**server.connection(DATABASE), "tls": {"mode": "disabled"}}
    return Project.create(directory, steps, others={"postgres": plain})


def _client(server: PostgresServer, work: Path, table: str) -> Command:
    out = work / "client.csv"
    copy = f"\\copy (SELECT * FROM {table}) TO '{out}' CSV HEADER"
    argv = server.psql_command(DATABASE, "--quiet", f"--command={copy}")
    return Command("psql \\copy", argv, work, before=lambda: out.unlink(missing_ok=True))

"""`python -m bench`: measure every figure and print it beside its reference.

BENCH_ROWS (or `--rows`) are the table sizes, BENCH_ROUNDS (or `--rounds`) how often each command
is measured; `--only` names the families.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import (
    csv_sql_csv,
    csv_to_parquet,
    e2b_loopback,
    html_report,
    local_sandbox,
    many_runs,
    movies,
    mysql_to_csv,
    mysql_to_postgres,
    postgres_to_csv,
    postgres_to_mysql,
    progress_cost,
    telemetry_off,
    torn_link,
)
from bench.figure import HEADER, Figure, NotMeasured
from bench.mysql_to_csv import bench_server
from bench.rivals import figures as rivals
from bench.workspace import workspace
from tests.support.mariadb import MariaDBServer

Line = Figure | NotMeasured
Measure = Callable[[MariaDBServer, Path, list[int], int], Iterator[Line]]
_WITH_SERVER: dict[str, Measure] = {
    "movies": lambda server, work, _, rounds: movies.figures(server, work, rounds),
    "mysql": mysql_to_csv.figures,
    "to-postgres": mysql_to_postgres.figures,
    "to-mysql": postgres_to_mysql.figures,
    "sandbox": local_sandbox.figures,
    "e2b": lambda server, work, _, rounds: e2b_loopback.figures(server, work, rounds),
    "progress": progress_cost.figures,
    "rivals": rivals.figures,
}
FAMILIES = (*_WITH_SERVER, "postgres", "link", "sql", "parquet", "logs", "telemetry")
# A row takes about 110 bytes as CSV, and up to four copies are there at a time.
_BYTES_A_ROW = 110 * 6


def measure(
    families: list[str], sizes: list[int], rounds: int, server_directory: Path
) -> Iterator[Line]:
    """Measure the named families, each figure as soon as it is known."""
    with workspace(max(sizes) * _BYTES_A_ROW) as work:
        wanted = [_WITH_SERVER[family] for family in _WITH_SERVER if family in families]
        if wanted:
            with bench_server(server_directory) as server:
                for measure_family in wanted:
                    yield from measure_family(server, work, sizes, rounds)
        yield from _without_server(families, work, sizes, rounds)


def _without_server(
    families: list[str], work: Path, sizes: list[int], rounds: int
) -> Iterator[Figure]:
    if "postgres" in families:
        yield from postgres_to_csv.figures(work, sizes, rounds)
    if "link" in families:
        yield from torn_link.figures(rounds)
    if "sql" in families:
        yield from csv_sql_csv.figures(work, sizes, rounds)
    if "parquet" in families:
        yield from csv_to_parquet.figures(work, sizes, rounds)
    if "logs" in families:
        yield from many_runs.figures(work, rounds)
        yield from html_report.figures(work, rounds)
    if "telemetry" in families:
        yield from telemetry_off.figures(work, rounds)


def main() -> int:
    """Print the report as a Markdown table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    rows, rounds = os.environ.get("BENCH_ROWS"), os.environ.get("BENCH_ROUNDS")
    parser.add_argument("--rows", default=rows or "2000000 10000000")
    parser.add_argument("--rounds", type=int, default=int(rounds or 5))
    parser.add_argument("--only", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    given = parser.parse_args()
    sizes = sorted(int(n) for n in given.rows.replace(",", " ").split())
    print(HEADER)
    with tempfile.TemporaryDirectory(prefix="osiris-bench-server-") as directory:
        for figure in measure(given.only, sizes, given.rounds, Path(directory)):
            print(figure, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Figures: CSV to Parquet beside DuckDB's COPY doing the same, column types declared in both."""

import sys
from collections.abc import Iterator
from pathlib import Path

from bench.csv_sql_csv import MAKE, ORDERS, PROGRAM, run_duckdb, struct
from bench.figure import Bar, Figure
from bench.measure import Command, alternate
from bench.workspace import Project

_BAR = Bar(1.6, "×")
_MEMORY_BAR = Bar(350, "MB")


def figures(work: Path, sizes: list[int], rounds: int) -> Iterator[Figure]:
    """Measure every size: the time, and the peak memory."""
    for rows in sizes:
        directory = work / f"parquet_{rows}"
        project = _project(directory)
        orders, customers = directory / "orders.csv", directory / "customers.csv"
        run_duckdb(MAKE.format(rows=rows, orders=orders, customers=customers))
        ours, theirs = alternate([project.run_command(), _reference(directory)], rounds)
        detail = (
            f"{ours.seconds:.2f} s, {ours.megabytes:.0f} MB; "
            f"DuckDB COPY {theirs.seconds:.2f} s, {theirs.megabytes:.0f} MB"
        )
        name = f"CSV → Parquet, {rows:,} rows"
        yield Figure(name, ours.seconds / theirs.seconds, _BAR, detail)
        yield Figure(f"{name}, memory", ours.megabytes, _MEMORY_BAR, "")
        orders.unlink()


def _project(directory: Path) -> Project:
    read = {
        "id": "orders",
        "component": "filesystem.csv_extractor",
        "mode": "read",
        "config": {"path": "orders.csv", "columns": ORDERS},
    }
    write = {
        "id": "write",
        "component": "filesystem.parquet_writer",
        "mode": "write",
        "config": {"path": "output/orders.parquet"},
    }
    return Project.create(directory, [read, write])


def _reference(directory: Path) -> Command:
    sql = (
        f"COPY (FROM read_csv('{directory}/orders.csv', header = true, auto_detect = false, "
        f"columns = {struct(ORDERS)})) TO '{directory}/reference.parquet' "
        "(FORMAT parquet, COMPRESSION zstd);"
    )
    return Command("duckdb COPY", [sys.executable, "-c", PROGRAM, sql], directory)

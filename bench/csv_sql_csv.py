"""Figures: CSV to SQL to CSV beside DuckDB alone doing the same, column types declared in both."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.figure import Bar, Figure
from bench.measure import Command, alternate
from bench.workspace import Project

_LARGE = 10_000_000
_BARS = {False: Bar(2.2, "×"), True: Bar(1.6, "×")}
ORDERS = {
    "id": "BIGINT",
    "customer_id": "INTEGER",
    "name": "VARCHAR",
    "note": "VARCHAR",
    "amount": "DECIMAL(12, 2)",
    "at": "TIMESTAMP",
    "quantity": "INTEGER",
    "ratio": "DOUBLE",
}
_CUSTOMERS = {"id": "INTEGER", "country": "VARCHAR", "segment": "VARCHAR"}
MAKE = """
COPY (
    SELECT
        i AS id,
        hash(i) % 10000 AS customer_id,
        'Ærø, ' || hash(i * 2) AS name,
        'say "' || hash(i * 3) % 100000 || '" to Žofie' AS note,
        ((hash(i * 5) % 100000000) / 100)::DECIMAL(12, 2) AS amount,
        TIMESTAMP '2020-01-01' + to_seconds((hash(i * 7) % 100000000)::BIGINT) AS at,
        CASE WHEN hash(i * 11) % 100 >= 15 THEN hash(i * 11) % 1000 END AS quantity,
        (hash(i * 13) % 1000000) / 1e6 AS ratio
    FROM range({rows}) AS numbers(i)
) TO '{orders}' (HEADER);
COPY (
    SELECT i AS id, chr((65 + i % 26)::INT) AS country, 'segment ' || i % 7 AS segment
    FROM range(10000) AS numbers(i)
) TO '{customers}' (HEADER);
"""
_QUERY = """
SELECT
    customers.country,
    customers.segment,
    date_trunc('month', orders.at) AS month,
    count(*) AS orders,
    sum(orders.amount) AS amount,
    sum(orders.quantity) AS quantity,
    avg(orders.ratio) AS ratio,
    min(orders.name) AS first_name
FROM orders
JOIN customers ON customers.id = orders.customer_id
WHERE orders.amount > 1000 AND orders.note LIKE 'say%'
GROUP BY ALL
ORDER BY ALL
"""


def figures(work: Path, sizes: list[int], rounds: int) -> Iterator[Figure]:
    """Measure every size."""
    for rows in sizes:
        directory = work / f"sql_{rows}"
        project = _project(directory)
        orders, customers = directory / "orders.csv", directory / "customers.csv"
        run_duckdb(MAKE.format(rows=rows, orders=orders, customers=customers))
        ours, theirs = alternate([project.run_command(), _reference(directory)], rounds)
        detail = (
            f"{ours.seconds:.2f} s, {ours.megabytes:.0f} MB; "
            f"DuckDB COPY alone {theirs.seconds:.2f} s, {theirs.megabytes:.0f} MB"
        )
        name = f"CSV → SQL → CSV, {rows:,} rows"
        yield Figure(name, ours.seconds / theirs.seconds, _BARS[rows >= _LARGE], detail)
        orders.unlink()


def _project(directory: Path) -> Project:
    reads = [
        {
            "id": name,
            "component": "filesystem.csv_extractor",
            "mode": "read",
            "config": {"path": f"{name}.csv", "columns": columns},
        }
        for name, columns in (("orders", ORDERS), ("customers", _CUSTOMERS))
    ]
    query = {
        "id": "summarise",
        "component": "duckdb.processor",
        "mode": "transform",
        "needs": ["orders", "customers"],
        "config": {"query": _QUERY},
    }
    write = {
        "id": "write",
        "component": "filesystem.csv_writer",
        "mode": "write",
        "needs": ["summarise"],
        "config": {"path": "output/summary.csv"},
    }
    return Project.create(directory, [*reads, query, write])


def _reference(directory: Path) -> Command:
    views = "".join(
        f"CREATE VIEW {name} AS SELECT * FROM read_csv('{directory / name}.csv', "
        f"header = true, auto_detect = false, columns = {struct(columns)});\n"
        for name, columns in (("orders", ORDERS), ("customers", _CUSTOMERS))
    )
    sql = f"{views}COPY ({_QUERY}) TO '{directory / 'reference.csv'}' (HEADER);"
    return Command("duckdb COPY", [sys.executable, "-c", PROGRAM, sql], directory)


PROGRAM = (
    "import sys, duckdb; connection = duckdb.connect(); "
    "connection.execute('SET enable_progress_bar = false'); connection.execute(sys.argv[1])"
)


def run_duckdb(sql: str) -> None:
    """Run SQL in a DuckDB of its own."""
    # In another process: the memory this one holds would count in every figure.
    subprocess.run([sys.executable, "-c", PROGRAM, sql], check=True)


def struct(columns: Mapping[str, str]) -> str:
    """Return names and types as `read_csv` takes them."""
    return "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items()) + "}"

"""Figures: the HTML report of a ten-step run, and how soon a browser shows a very long one."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bench.figure import Bar, Figure
from bench.measure import Command, alternate, run_once
from bench.workspace import OSIRIS, Project
from osiris.report.html.run_page import run_page
from tests.support.browser import FIRST_PAINT, chromium, view
from tests.support.debian import MissingProgramError
from tests.support.made_runs import MadeRun, at

_EVENTS = 100_000
_ROWS = 5_000


def figures(work: Path, rounds: int) -> Iterator[Figure]:
    """Measure `osiris logs html` of a ten-step run, its size, and the first paint of a long one."""
    project = _ten_steps(work / "report")
    run_once(project.run_command())
    page = project.directory / "report.html"
    argv = [OSIRIS, "logs", "html", "--output", str(page)]
    (series,) = alternate([Command("osiris logs html", argv, project.directory)], rounds)
    low, high = series.spread
    name = "osiris logs html, ten steps"
    yield Figure(name, series.seconds, Bar(0.5, "s"), f"{low:.3f} to {high:.3f} s")
    yield Figure("its size", page.stat().st_size / 1e3, Bar(400, "kB"), f"{_ROWS:,} rows a table")
    yield from _first_paint(work, rounds)


def _first_paint(work: Path, rounds: int) -> Iterator[Figure]:
    path = work / "long.html"
    path.write_text(run_page(_long_run(work / "run_long")))
    try:
        with chromium() as browser:
            taken = []
            for _ in range(rounds + 1):
                with view(browser) as watched:
                    taken.append(watched.open(path).page.evaluate(FIRST_PAINT) / 1e3)
    except MissingProgramError:
        return  # there is no browser, and no way to get one
    detail = f"Chromium, {path.stat().st_size / 1e6:.1f} MB"
    name = f"first paint, {_EVENTS:,} events"
    yield Figure(name, median(taken[1:]), Bar(1.0, "s"), detail)


def _long_run(directory: Path) -> Path:
    events = (
        {"ts": at(n / 10), "event": "cfg_opened", "step_id": f"s{n % 3}", "path": f"cfg/{n}.json"}
        for n in range(_EVENTS)
    )
    return MadeRun({"s0": [], "s1": ["s0"], "s2": ["s1"]}, more_events=events).write(directory)


def _ten_steps(directory: Path) -> Project:
    steps = [_read("orders"), _read("people"), _read("places")]
    steps.append(_sql("paid", "SELECT * FROM orders WHERE amount > 50", "orders"))
    steps.append(
        _sql(
            "named",
            "SELECT p.name, o.amount FROM paid o JOIN people p USING (id)",
            "paid",
            "people",
        )
    )
    steps.append(
        _sql("sums", "SELECT amount, count(*) AS n FROM named GROUP BY 1 ORDER BY 1", "named")
    )
    steps.append(_sql("spots", "SELECT id, name FROM places WHERE amount < 9", "places"))
    steps += [_write(name) for name in ("named", "sums", "spots")]
    project = Project.create(directory, steps)
    for name in ("orders", "people", "places"):
        lines = (f"{n},{name} {n},{n * 7 % 101}\n" for n in range(_ROWS))
        (directory / f"{name}.csv").write_text("id,name,amount\n" + "".join(lines))
    return project


def _read(name: str) -> dict[str, Any]:
    columns = {"id": "INTEGER", "name": "VARCHAR", "amount": "INTEGER"}
    config = {"path": f"{name}.csv", "columns": columns}
    return {"id": name, "component": "filesystem.csv_extractor", "mode": "read", "config": config}


def _sql(name: str, query: str, *needs: str) -> dict[str, Any]:
    step = {"id": name, "component": "duckdb.processor", "mode": "transform"}
    return {**step, "needs": list(needs), "config": {"query": query}}


def _write(name: str) -> dict[str, Any]:
    step = {"id": f"write-{name}", "component": "filesystem.csv_writer", "mode": "write"}
    return {**step, "needs": [name], "config": {"path": f"output/{name}.csv"}}

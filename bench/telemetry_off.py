"""Figures: what OpenLineage and OpenTelemetry cost a run that asks for neither."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.figure import Bar, Figure
from bench.measure import run_once
from bench.workspace import Project

_FOREIGN = ("openlineage", "opentelemetry")
_PROGRAM = f"""
import os, sys, time
import osiris.core.run
from osiris.api import last_compilation
compiled = last_compilation().compiled
before = time.perf_counter()
from osiris.telemetry.following import followed
with followed(compiled, {{}}, None):
    pass
print(time.perf_counter() - before)
print(sum(name.partition(".")[0] in {_FOREIGN!r} for name in sys.modules))
"""


def figures(work: Path, rounds: int) -> Iterator[Figure]:
    """Measure how long a run takes to learn that nobody follows it, and what it imports."""
    project = _project(work / "telemetry-off")
    whole = [run_once(project.run_command()).seconds for _ in range(rounds)]
    asked = [_ask(project.directory) for _ in range(rounds + 1)][1:]
    seconds, modules = median(a[0] for a in asked), max(a[1] for a in asked)
    name = "OpenLineage and OpenTelemetry off"
    yield Figure(name, 1e3 * seconds, Bar(5, "ms"), f"of {1e3 * median(whole):.0f} ms of a run")
    yield Figure(f"{name}: modules imported", modules, Bar(0, "of theirs"), "counted in a run")


def _ask(directory: Path) -> tuple[float, int]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=directory, capture_output=True, text=True, check=True
    )
    seconds, modules = done.stdout.split()
    return float(seconds), int(modules)


def _project(directory: Path) -> Project:
    read = {"id": "read", "component": "filesystem.csv_extractor", "mode": "read"}
    write = {"id": "write", "component": "filesystem.csv_writer", "mode": "write"}
    project = Project.create(
        directory,
        [
            {**read, "config": {"path": "in.csv", "columns": {"id": "INTEGER"}}},
            {**write, "config": {"path": "out.csv"}},
        ],
    )
    (directory / "in.csv").write_text("id\n1\n2\n")
    return project

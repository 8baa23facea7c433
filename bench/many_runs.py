"""Figures: `osiris logs list` in a project with ten thousand runs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.figure import Bar, Figure
from bench.measure import Command, alternate
from bench.workspace import OSIRIS

_RUNS = 10_000
_STATES = ("completed", "completed", "completed", "failed", "cancelled")
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def figures(work: Path, rounds: int) -> Iterator[Figure]:
    """Measure the list, all of it and filtered; the first list makes the index and is not timed."""
    project = work / "many"
    make_runs(project, _RUNS)
    listed = Command("osiris logs list", [OSIRIS, "logs", "list"], project)
    filtered = Command(
        "osiris logs list --state", [OSIRIS, "logs", "list", "--state", "failed"], project
    )
    whole, some = alternate([listed, filtered], rounds)
    low, high = whole.spread
    detail = f"{low:.3f} to {high:.3f} s; --state failed {some.seconds:.3f} s"
    yield Figure(f"osiris logs list, {_RUNS:,} runs", whole.seconds, Bar(0.5, "s"), detail)


def make_runs(project: Path, count: int) -> None:
    """Make a project with so many finished runs: of each the status.json, as a run writes it."""
    (project / "logs").mkdir(parents=True)
    (project / "osiris.yaml").write_text("name: many\n")
    for number in range(count):
        began = _BEGIN + timedelta(seconds=37 * number)
        session = f"run_{began:%Y%m%dT%H%M%SZ}_{number % 65536:04x}"
        directory = project / "logs" / session
        directory.mkdir()
        text = json.dumps(_status(session, began, number), indent=2)
        (directory / "status.json").write_text(text)


def _status(session: str, began: datetime, number: int) -> dict[str, Any]:
    state = _STATES[number % len(_STATES)]
    ok = state == "completed"
    error = {"code": "step.failed", "message": "the server went away", "hint": "try again"}
    step = {"state": "completed", "rows_in": {}, "rows_out": number, "duration_ms": 12.5}
    return {
        "session": session,
        "pipeline": f"pipeline-{number % 7}",
        "fingerprint": "sha256:" + f"{number:064x}",
        "adapter": "local",
        "osiris_version": "0.1.0",
        "host": "bench",
        "pid": number,
        "process_start": number,
        "started_at": f"{began:%Y-%m-%dT%H:%M:%S}.000000Z",
        "finished_at": f"{began:%Y-%m-%dT%H:%M:%S}.900000Z",
        "duration_seconds": 0.9,
        "state": state,
        "ok": ok,
        "exit_code": 0 if ok else 1,
        "steps_total": 3,
        "steps_completed": 3 if ok else 2,
        "steps_failed": 0 if ok else 1,
        "steps_skipped": 0,
        "total_rows": number,
        "steps": {f"step-{i}": step for i in range(3)},
        "error": None if ok else error,
    }

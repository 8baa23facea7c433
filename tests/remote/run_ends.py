"""What the tests of a run's end share: runs that take long, and what must hold after every end."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.records import Record as RunRecord
from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.remote.test_local_sandbox import marked
from tests.support.pipelines import Evidence, PipelineBuilder
from tests.support.sandboxes import FarProvider

QUICK: dict[str, Any] = {"heartbeat": 0.2, "patience": 30.0}
ENDS = {"step_complete", "step_failed", "step_skipped"}


ADAPTERS: dict[str, Callable[..., ExecutionAdapter]] = {
    "process": lambda **choices: sandbox_adapter("process", **choices),
    "bubblewrap": sandbox_adapter,
    "far": lambda **choices: E2BTransparentProxy(FarProvider(), SandboxChoices(**choices)),
}


def records_agree(evidence: Evidence) -> None:
    """Check what must hold after every end: each step ended once, status and events agree."""
    events = evidence.events()
    assert events[-1]["event"] == "run_complete"
    assert evidence.status["state"] != "running"
    assert events[-1]["exit_code"] == evidence.status["exit_code"] == evidence.result.exit_code
    counted = {"completed": 0, "failed": 0, "skipped": 0}
    for step, status in evidence.status["steps"].items():
        ends = [e["event"] for e in events if e.get("step_id") == step and e["event"] in ENDS]
        assert len(ends) == 1, (step, ends)
        assert status["state"] in counted
        counted[status["state"]] += 1
    for state, count in counted.items():
        assert evidence.status[f"steps_{state}"] == count
    compiled = evidence.result.layout
    assert compiled.manifest.is_file()
    assert list(compiled.cfg.iterdir())
    assert compiled.commands.is_file()
    assert not list(evidence.root.rglob("*.part"))
    assert not (evidence.root / ".sandbox").exists()
    (gone,) = evidence.events("sandbox_killed")
    assert gone["sandbox"] == evidence.events("sandbox_created")[0]["sandbox"]


def slow(rows: int = 10_000) -> PipelineBuilder:
    """A pipeline that goes on for long, and a step that was over before."""
    builder = PipelineBuilder().add("early", "source", rows=5).add("done", "sink", "early")
    builder.add("make", "source", rows=rows, batch_rows=1, delay=0.02, after=("done",))
    return builder.add("take", "sink", "make").add("never", "source", after=("take",))


def once_started(step: str, action: Callable[[], object]) -> Callable[[RunRecord], None]:
    """Return an observer that does something, once, when a step has started."""
    armed = threading.Event()

    def observe(record: RunRecord) -> None:
        hit = type(record).__name__ == "StepStart" and getattr(record, "step_id", "") == step
        if hit and not armed.is_set():
            armed.set()
            threading.Timer(0.2, action).start()

    return observe


def running(project: Path) -> list[psutil.Process]:
    """The processes of the runs in a project: their command lines name the run."""
    runs = [path.name for path in (project / "logs").glob("run_*")]
    return [process for run in runs for process in marked(run)]


def workers(project: Path) -> list[psutil.Process]:
    """The workers among them: each is a copy of its runner, which is its parent."""
    found = []
    for process in running(project):
        try:
            parent = process.parent()
            python = "python" in process.name()
            if python and parent is not None and parent.cmdline() == process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_worker(project: Path) -> None:
    (worker,) = workers(project)
    worker.kill()


def kill_runner(project: Path) -> None:
    (worker,) = workers(project)
    runner = worker.parent()
    assert runner is not None
    runner.kill()

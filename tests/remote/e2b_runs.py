"""Whole runs of sample pipelines in E2B sandboxes on a loopback server, to be disturbed."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from osiris.core.records import Record
from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_options import E2BAccount, E2BOptions
from osiris.remote.e2b_sandbox import E2BSandboxProvider
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from tests.e2b_server.sandboxes import TestSandbox
from tests.e2b_server.server import E2BServer
from tests.support.pipelines import Evidence, PipelineBuilder, run_with

CANARY = "a-canary-that-must-not-sing"
QUICK = SandboxChoices(heartbeat=0.3, patience=40.0)


class Runs:
    """Runs sample pipelines on a server; `during` is called once, when the first step runs."""

    def __init__(self, server: E2BServer, project: Path) -> None:
        self.server = server
        self.project = project
        self.during: Callable[[], object] = lambda: None
        self.sandbox_url: str | None = None
        self.env: dict[str, str] = {}

    def __call__(
        self, builder: PipelineBuilder, choices: SandboxChoices = QUICK, **options: Any
    ) -> Evidence:
        env = self.server.environment(sandbox_url=self.sandbox_url) | self.env
        account = E2BAccount.from_environment(env)
        chosen = E2BOptions(template=options.pop("template", "ready"), backoff=(0.01, 0.01))
        adapter = E2BTransparentProxy(E2BSandboxProvider(account, chosen), choices)
        started = threading.Event()

        def observe(record: Record) -> None:
            if type(record).__name__ == "StepStart" and not started.is_set():
                started.set()
                threading.Thread(target=self.during, daemon=True).start()

        whole_env = {**os.environ, **env}
        return run_with(adapter, self.project, builder, env=whole_env, observer=observe, **options)


def good(rows: int = 50) -> PipelineBuilder:
    return PipelineBuilder().add("make", "source", rows=rows).add("take", "sink", "make")


def slow(seconds: float) -> PipelineBuilder:
    """Return a pipeline that takes about so long."""
    batches = int(seconds / 0.05)
    builder = PipelineBuilder().add("make", "source", rows=batches, batch_rows=1, delay=0.05)
    return builder.add("take", "sink", "make")


def ids(evidence: Evidence) -> list[int]:
    made = (evidence.root / "artifacts" / "take" / "ids.txt").read_text()
    return [int(line) for line in made.split()]


def went_well(evidence: Evidence, rows: int) -> None:
    assert evidence.result.exit_code == 0, evidence.status["error"]
    assert ids(evidence) == list(range(rows))
    once = [e["event"] for e in evidence.events() if not e["event"].startswith("sandbox_")]
    steps = {"make", "take"}
    for name in ("step_start", "step_complete"):
        told = [e["step_id"] for e in evidence.events(name)]
        assert sorted(told) == sorted(steps), once


def failed_with(evidence: Evidence, code: str) -> dict[str, Any]:
    """Check what must be true after every failed run; return the error."""
    assert evidence.result.exit_code == 5
    error: dict[str, Any] = evidence.status["error"]
    assert error["code"] == code, error
    assert evidence.status["state"] == "failed"
    assert evidence.events()[-1]["event"] == "run_complete"
    assert (evidence.root / "manifest.yaml").exists()
    assert not list(evidence.root.rglob("*.part"))
    return error


def sandbox_events(evidence: Evidence, name: str) -> list[dict[str, Any]]:
    return evidence.events(f"sandbox_{name}")


def only(server: E2BServer) -> TestSandbox:
    return server.sandboxes()[0]

"""A sandbox that lies to its host, and what must hold whatever it says."""

import copy
import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.limits import Limits
from osiris.remote.local_sandbox import LocalSandbox
from tests.support.pipelines import Evidence, PipelineBuilder, run_with
from tests.support.sandboxes import (
    FarProvider,
    FarSandbox,
    LyingSandbox,
    Record,
    Recording,
    RecordingSandbox,
    ReplayingSandbox,
)

Lie = Callable[[Record], list[Record]]
LIMITS = Limits()


def chain() -> PipelineBuilder:
    return PipelineBuilder().add("make", "source", rows=9).add("take", "sink", "make")


@functools.cache
def recorded() -> Recording:
    """A true run of the chain, which the lies below are told of."""
    recording = Recording()
    provider = FarProvider(lambda inner: RecordingSandbox(inner, recording))
    with tempfile.TemporaryDirectory() as project:
        evidence = run_with(E2BTransparentProxy(provider), Path(project), chain())
        assert evidence.result.ok
    return recording


def run(
    tmp_path: Path, lie: Lie, builder: PipelineBuilder | None = None, limits: Limits = LIMITS
) -> Evidence:
    """Run a pipeline in a sandbox that lies; the chain's sandbox replays a true run."""

    def liar(inner: LocalSandbox) -> FarSandbox:
        return (
            LyingSandbox(inner, lie)
            if builder is not None
            else ReplayingSandbox(inner, recorded(), lie)
        )

    provider = FarProvider(liar)
    adapter = E2BTransparentProxy(provider, SandboxChoices(limits=limits, patience=5.0))
    project = tmp_path / "a" / "b" / "project"
    project.mkdir(parents=True)
    before = {path for path in tmp_path.rglob("*") if "logs" not in path.parts}
    evidence = run_with(adapter, project, builder or chain())
    (sandbox,) = provider.made
    assert isinstance(sandbox, FarSandbox)
    assert sandbox.kills == 1
    assert {path for path in tmp_path.rglob("*") if "logs" not in path.parts} == before
    return evidence


def must_be_refused(evidence: Evidence) -> None:
    """The run failed for what the sandbox is, and its records are whole and agree."""
    assert evidence.status["error"]["code"] in {"sandbox.hostile", "sandbox.protocol_version"}
    assert evidence.result.exit_code == 5
    assert evidence.status["state"] == "failed"
    events = evidence.events()
    assert events[-1]["event"] == "run_complete"
    ends = {"step_complete", "step_failed", "step_skipped"}
    for step, status in evidence.status["steps"].items():
        mine = [e for e in events if e.get("step_id") == step and e["event"] in ends]
        assert len(mine) == 1
        assert status["state"] in {"completed", "failed", "skipped"}
    artifacts = evidence.root / "artifacts"
    for path in artifacts.rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or path.is_file()
    assert not list(evidence.root.rglob("*.part"))


def of_event(name: str, change: Callable[[dict[str, Any]], None]) -> Lie:
    """Change the data of every event of a name."""

    def lie(record: Record) -> list[Record]:
        record = copy.deepcopy(record)
        if record["data"].get("event") == name:
            change(record["data"])
        return [record]

    return lie


def after(name: str, *forged: Record, step: str = "take") -> Lie:
    """Put more records after the event of a name of a step."""

    def lie(record: Record) -> list[Record]:
        data = record["data"]
        hit = data.get("event") == name and data.get("step_id", step) == step
        return [record, *({**record, **one} for one in forged)] if hit else [record]

    return lie


def replace_all(data: dict[str, Any], **others: Any) -> None:
    data.clear()
    data.update(others)


def event(name: str, **data: Any) -> Record:
    return {"type": "event", "data": {"event": name, **data}}


def without(condition: Callable[[Record], bool]) -> Lie:
    return lambda record: [] if condition(record) else [record]


def left(**changes: Any) -> Lie:
    """Change what the runner tells of the files that are left."""

    def lie(record: Record) -> list[Record]:
        if record["type"] == "closed":
            record = copy.deepcopy(record)
            record["data"]["left"].update(changes)
        return [record]

    return lie

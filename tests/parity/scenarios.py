"""Runs of every kind, made by the engine, to be compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import osiris
from osiris.core.cancel import CancelToken
from osiris.core.errors import CancelledError
from osiris.core.manifest import Retry
from osiris.core.step_config import DescribedConnection
from tests.support.pipelines import PipelineBuilder, run_sample

VAULT = DescribedConnection(ref="@sample.vault", fields={"token": "${VAULT_TOKEN}"})
TOKEN = {"VAULT_TOKEN": "a long and secret token"}


@dataclass(frozen=True)
class Scenario:
    """A pipeline, and how its run goes; `state` is what it must come to."""

    build: Callable[[], PipelineBuilder]
    state: str = "failed"
    env: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    cancelled: bool = False

    def run(self, project: Path, **options: Any) -> Path:
        """Run it in a project and return the run's directory."""
        project.mkdir(exist_ok=True)
        Path("tries").unlink(missing_ok=True)
        cancel = CancelToken()
        if self.cancelled:
            cancel.cancel(CancelledError("stopped before it began"))
        evidence = run_sample(
            project, self.build(), env=self.env, cancel=cancel, **{**self.options, **options}
        )
        assert evidence.status["state"] == self.state
        return evidence.root


def chain(**source: Any) -> PipelineBuilder:
    return PipelineBuilder().add("make", "source", **source).add("take", "sink", "make")


def diamond() -> PipelineBuilder:
    builder = PipelineBuilder().add("a", "source", rows=3000, batch_rows=100)
    builder.add("left", "mapper", "a").add("right", "mapper", "a", take=700)
    builder.add("both", "mapper", "left", "right").add("take", "sink", "both")
    return builder.add("last", "source", after=("take",)).add("keep", "sink", "last")


def branches(**bad: Any) -> PipelineBuilder:
    builder = PipelineBuilder().add("bad", "source", rows=500, **bad)
    builder.add("map", "mapper", "bad").add("lost", "sink", "map")
    return builder.add("good", "source", rows=20).add("kept", "sink", "good")


def two_causes() -> PipelineBuilder:
    builder = PipelineBuilder().add("one", "source", rows=9, fault="data", fault_after=3)
    builder.add("two", "source", rows=9, fault="config", fault_after=3, delay=0.001)
    builder.add("both", "mapper", "one", "two").add("take", "sink", "both")
    return builder.add("other", "sink", "two")


def retried() -> PipelineBuilder:
    retry = Retry(attempts=3, delay=0.001)
    fault: dict[str, Any] = {
        "fault": "transient",
        "fault_after": 20,
        "fault_times": 2,
        "counter": "tries",
    }
    return (
        PipelineBuilder()
        .add("make", "source", rows=30, retry=retry, **fault)
        .add("take", "sink", "make")
    )


def secret() -> PipelineBuilder:
    builder = PipelineBuilder().add("make", "secret_source", connection=VAULT, rows=5)
    return builder.add("take", "sink", "make")


def refused() -> PipelineBuilder:
    builder = PipelineBuilder().add("make", "secret_source", connection=VAULT, fault="config")
    return builder.add("take", "sink", "make")


def without_cfg() -> PipelineBuilder:
    builder = chain()
    del builder.cfgs["make"]
    return builder


SCENARIOS = {
    "chain": Scenario(lambda: chain(rows=100), "completed"),
    "empty": Scenario(lambda: chain(rows=0), "completed"),
    "pandas": Scenario(lambda: chain(rows=10, pandas=True), "completed"),
    "diamond": Scenario(diamond, "completed"),
    "parquet": Scenario(diamond, "completed", options={"step_outputs": "parquet"}),
    "nothing kept": Scenario(diamond, "completed", options={"step_outputs": "none"}),
    "retried": Scenario(retried, "completed"),
    "secret": Scenario(secret, "completed", env=TOKEN),
    "refused": Scenario(refused, env=TOKEN),
    "missing variable": Scenario(secret),
    "missing cfg": Scenario(without_cfg),
    "fails at once": Scenario(lambda: branches(fault="data")),
    "fails in the middle": Scenario(lambda: branches(fault="crash", fault_after=250)),
    "exits": Scenario(lambda: branches(fault="exit", fault_after=100)),
    "disk full": Scenario(lambda: branches(fault="disk_full", fault_after=100)),
    "two causes": Scenario(two_causes),
    "lying writer": Scenario(
        lambda: PipelineBuilder().add("make", "source").add("take", "sink", "make", claims=1)
    ),
    "failing writer": Scenario(
        lambda: (
            PipelineBuilder()
            .add("make", "source", rows=100)
            .add("take", "sink", "make", fault="data", fault_after=50)
            .add("also", "sink", "make")
        )
    ),
    "too slow": Scenario(
        lambda: (
            PipelineBuilder()
            .add("make", "source", rows=1000, delay=0.01, timeout=0.1)
            .add("take", "sink", "make")
        )
    ),
    "fail fast": Scenario(
        lambda: (
            PipelineBuilder()
            .add("bad", "source", fault="data")
            .add("good", "source", after=("bad",))
        ),
        options={"fail_fast": True},
    ),
    "cancelled": Scenario(diamond, "cancelled", cancelled=True),
}

PUBLISHED = """\
oml_version: 0.1.0
name: published
steps:
  - {id: make, component: sample.source, mode: read, config: {rows: 50}}
  - id: write
    component: filesystem.csv_writer
    mode: write
    config: {path: out/rows.csv, delimiter: ";"}
"""


def published(project: Path) -> Path:
    """Run a pipeline that publishes a file; return the run's directory."""
    project.mkdir(exist_ok=True)
    (project / "pipeline.yaml").write_text(PUBLISHED)
    result = osiris.run_pipeline(project / "pipeline.yaml", project=project)
    assert result.ok
    return result.layout.root

"""Whatever the pipeline and whatever fails: every step ends once, every row is counted."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osiris.core.run_options import StepOutputs
from osiris.core.schedule import Verdict
from tests.support.pipelines import Evidence, PipelineBuilder, run_sample

FAULTS = st.sampled_from(["none", "none", "none", "data", "config", "crash", "transient"])


@st.composite
def pipelines(draw: st.DrawFn) -> PipelineBuilder:
    """Random DAGs of sources, mappers and sinks, any of which may fail anywhere."""
    builder = PipelineBuilder()
    tables: list[str] = []
    for number in range(draw(st.integers(1, 9))):
        kind = draw(st.sampled_from(["source", "mapper", "sink"])) if tables else "source"
        config: dict[str, Any] = {"fault": draw(FAULTS), "fault_after": draw(st.integers(0, 40))}
        needs: tuple[str, ...] = ()
        if kind == "source":
            config |= {"rows": draw(st.integers(0, 60)), "batch_rows": draw(st.integers(1, 20))}
        elif kind == "mapper":
            chosen = st.lists(st.sampled_from(tables), min_size=1, max_size=3, unique=True)
            needs = tuple(draw(chosen))
        else:
            needs = (draw(st.sampled_from(tables)),)
        step_id = f"{kind}-{number}"
        builder.add(step_id, kind, *needs, **config)
        if kind != "sink":
            tables.append(step_id)
    return builder


def check_ends(evidence: Evidence, builder: PipelineBuilder) -> None:
    names = ("step_complete", "step_failed", "step_skipped")
    ends = Counter(e["step_id"] for name in names for e in evidence.events(name))
    assert ends == Counter(step.id for step in builder.steps)


def check_rows(evidence: Evidence, builder: PipelineBuilder) -> None:
    complete = {e["step_id"]: e for e in evidence.events("step_complete")}
    reasons = {e["step_id"]: e["reason"] for e in evidence.events("step_skipped")}
    for step in builder.steps:
        if step.id not in complete:
            continue
        for name, producer in step.inputs.items():
            # A step may be stopped when its readers have all rows and it still keeps its own copy.
            if reasons.get(producer) == Verdict.FAIL_FAST:
                continue
            assert producer in complete, "a step completed whose input did not"
            assert complete[step.id]["rows_in"][name] == complete[producer]["rows_out"]
        handed = sum(complete[step.id]["rows_in"].values())
        if step.inputs:
            produced = complete[step.id]["rows_out"], complete[step.id]["rows_written"]
            assert handed in produced


def check_status(evidence: Evidence, builder: PipelineBuilder) -> None:
    status = evidence.status
    complete = evidence.events("step_complete")
    assert status["steps_completed"] == len(complete)
    assert status["steps_failed"] == len(evidence.events("step_failed"))
    assert status["steps_skipped"] == len(evidence.events("step_skipped"))
    assert status["total_rows"] == sum(e["rows_written"] or 0 for e in complete)
    assert status["ok"] == (len(complete) == len(builder.steps))
    assert status["exit_code"] == (0 if status["ok"] else 1) == evidence.result.exit_code


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    builder=pipelines(),
    jobs=st.integers(1, 4),
    budget=st.sampled_from([1, 1000, 1 << 20]),
    fail_fast=st.booleans(),
    outputs=st.sampled_from([StepOutputs.NONE, StepOutputs.AUTO]),
)
def test_every_step_ends_once_and_rows_are_conserved(
    builder: PipelineBuilder, jobs: int, budget: int, fail_fast: bool, outputs: StepOutputs
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        evidence = run_sample(
            Path(directory),
            builder,
            jobs=jobs,
            exchange_budget=budget,
            fail_fast=fail_fast,
            step_outputs=outputs,
        )
        check_ends(evidence, builder)
        check_rows(evidence, builder)
        check_status(evidence, builder)
        assert not list(evidence.root.rglob("*.part"))

"""What the engine does with steps that work, fail, wait and lie."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from osiris.core.cancel import CancelToken
from osiris.core.errors import CancelledError, TerminatedError
from osiris.core.manifest import Retry
from osiris.core.records import Progress, Record
from osiris.core.run_options import StepOutputs
from tests.support.pipelines import Evidence, PipelineBuilder, run_sample


def ids(evidence: Evidence, step_id: str) -> list[int]:
    path = evidence.root / "artifacts" / step_id / "ids.txt"
    return [int(line) for line in path.read_text().splitlines()]


def chain(**source: Any) -> PipelineBuilder:
    return PipelineBuilder().add("make", "source", **source).add("take", "sink", "make")


def test_a_chain_moves_every_row_in_order(tmp_path: Path) -> None:
    evidence = run_sample(tmp_path, chain(rows=100, batch_rows=7))
    assert evidence.result.ok
    assert evidence.result.exit_code == 0
    assert ids(evidence, "take") == list(range(100))
    assert evidence.status["total_rows"] == 100
    complete = {e["step_id"]: e for e in evidence.events("step_complete")}
    assert complete["make"]["rows_out"] == 100
    assert complete["take"]["rows_in"] == {"df": 100}
    assert complete["take"]["rows_written"] == 100


def test_the_events_of_a_chain_stand_in_the_order_in_which_things_happen(tmp_path: Path) -> None:
    evidence = run_sample(tmp_path, chain(), jobs=1)
    names = [event["event"] for event in evidence.events()]
    assert names == [
        "run_start",
        "adapter_selected",
        "manifest_materialized",
        "cfg_materialized",
        "cfg_materialized",
        "preflight_validation_success",
        "dependency_check",
        "drivers_registered",
        "session_initialized",
        "step_start",
        "cfg_opened",
        "inputs_resolved",
        "artifact_created",
        "step_complete",
        "step_start",
        "cfg_opened",
        "inputs_resolved",
        "artifact_created",
        "step_complete",
        "cleanup_complete",
        "run_complete",
    ]


def test_steps_overlap(tmp_path: Path) -> None:
    """A consumer starts while its producer still works."""
    evidence = run_sample(tmp_path, chain(rows=5, batch_rows=1, delay=0.05), jobs=2)
    order = [(e["event"], e.get("step_id")) for e in evidence.events()]
    assert order.index(("step_start", "take")) < order.index(("step_complete", "make"))


def test_one_job_runs_one_step_after_another(tmp_path: Path) -> None:
    evidence = run_sample(tmp_path, chain(rows=50), jobs=1)
    order = [(e["event"], e.get("step_id")) for e in evidence.events()]
    assert order.index(("step_start", "take")) > order.index(("step_complete", "make"))
    assert ids(evidence, "take") == list(range(50))


def test_a_slow_reader_makes_its_edge_spill_and_loses_nothing(tmp_path: Path) -> None:
    builder = PipelineBuilder()
    builder.add("make", "source", rows=2000, batch_rows=100)
    builder.add("take", "sink", "make", delay=0.01)
    evidence = run_sample(tmp_path, builder, exchange_budget=4000)
    assert ids(evidence, "take") == list(range(2000))
    assert evidence.metrics("bytes_spilled")[0]["value"] > 4000
    assert not (evidence.root / ".spill").exists()


def test_two_inputs_arrive_under_their_names(tmp_path: Path) -> None:
    builder = PipelineBuilder()
    builder.add("a", "source", rows=3).add("b", "source", rows=4)
    builder.add("both", "mapper", "a", "b").add("take", "sink", "both")
    evidence = run_sample(tmp_path, builder)
    assert ids(evidence, "take") == [0, 1, 2, 0, 1, 2, 3]
    complete = {e["step_id"]: e for e in evidence.events("step_complete")}
    assert complete["both"]["rows_in"] == {"a": 3, "b": 4}
    assert complete["both"]["rows_out"] == 7


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_a_failed_step_skips_what_needs_it_and_nothing_else(tmp_path: Path, jobs: int) -> None:
    builder = PipelineBuilder()
    builder.add("bad", "source", fault="data").add("map", "mapper", "bad")
    builder.add("lost", "sink", "map")
    builder.add("good", "source", rows=9).add("kept", "sink", "good")
    evidence = run_sample(tmp_path, builder, jobs=jobs)
    assert evidence.result.exit_code == 1
    states = {step: evidence.state(step) for step in ("bad", "map", "lost", "good", "kept")}
    assert states == {
        "bad": "failed",
        "map": "skipped",
        "lost": "skipped",
        "good": "completed",
        "kept": "completed",
    }
    skipped = {e["step_id"]: (e["reason"], e["because"]) for e in evidence.events("step_skipped")}
    assert skipped == {"map": ("upstream_failed", "bad"), "lost": ("upstream_failed", "map")}
    assert ids(evidence, "kept") == list(range(9))
    error = evidence.status["error"]
    assert (error["code"], error["kind"], error["step_id"]) == ("data.invalid", "data", "bad")


def test_a_producer_that_fails_in_the_middle_leaves_no_file_of_its_consumer(tmp_path: Path) -> None:
    evidence = run_sample(tmp_path, chain(rows=100, fault="data", fault_after=50))
    assert evidence.state("make") == "failed"
    assert evidence.state("take") == "skipped"
    assert not [p for p in (evidence.root / "artifacts").rglob("*") if p.is_file()]


def test_fail_fast_stops_everything(tmp_path: Path) -> None:
    builder = PipelineBuilder()
    builder.add("slow", "source", rows=6000, batch_rows=1, delay=0.05)
    builder.add("take", "sink", "slow")
    builder.add("bad", "source", fault="config", fault_after=1, rows=5, delay=0.05)
    started = time.monotonic()
    evidence = run_sample(tmp_path, builder, jobs=3, fail_fast=True)
    assert time.monotonic() - started < 60
    assert evidence.result.exit_code == 1
    skipped = {e["step_id"]: (e["reason"], e["because"]) for e in evidence.events("step_skipped")}
    assert skipped == {"slow": ("fail_fast", "bad"), "take": ("fail_fast", "bad")}


@pytest.mark.parametrize(
    "fault, code",
    [
        ("config", "step.config"),
        ("data", "data.invalid"),
        ("crash", "step.crashed"),
        ("exit", "step.crashed"),
        ("disk_full", "step.disk_full"),
    ],
)
def test_whatever_a_driver_raises_fails_its_step(tmp_path: Path, fault: str, code: str) -> None:
    evidence = run_sample(tmp_path, chain(fault=fault))
    assert evidence.result.exit_code == 1
    (failed,) = evidence.events("step_failed")
    assert failed["error"]["code"] == code
    assert "Traceback" in evidence.result.layout.debug_log.read_text()
    assert "Traceback" not in evidence.result.layout.log.read_text()


def test_a_transient_error_is_tried_again_and_no_row_is_seen_twice(tmp_path: Path) -> None:
    builder = PipelineBuilder()
    builder.add(
        "make",
        "source",
        rows=30,
        fault="transient",
        fault_after=20,
        fault_times=2,
        counter=str(tmp_path / "tries"),
        retry=Retry(attempts=3, delay=0.01),
    )
    builder.add("take", "sink", "make")
    evidence = run_sample(tmp_path, builder)
    assert evidence.result.ok
    assert ids(evidence, "take") == list(range(30))
    retries = [(e["attempt"], e["delay_seconds"]) for e in evidence.events("step_retry")]
    assert retries == [(1, 0.01), (2, 0.02)]
    complete = {e["step_id"]: e for e in evidence.events("step_complete")}
    assert complete["make"]["attempts"] == 3
    assert complete["take"]["attempts"] == 1


def test_a_writer_that_is_tried_again_reads_its_input_from_the_beginning(tmp_path: Path) -> None:
    builder = PipelineBuilder()
    builder.add("make", "source", rows=300, batch_rows=10)
    builder.add(
        "take",
        "sink",
        "make",
        fault="transient",
        fault_after=150,
        fault_times=1,
        counter=str(tmp_path / "tries"),
        retry=Retry(attempts=2, delay=0),
    )
    evidence = run_sample(tmp_path, builder, exchange_budget=1000)
    assert evidence.result.ok
    assert ids(evidence, "take") == list(range(300))


def test_retries_end(tmp_path: Path) -> None:
    builder = PipelineBuilder()
    builder.add("make", "source", fault="transient", retry=Retry(attempts=2, delay=0))
    evidence = run_sample(tmp_path, builder)
    (failed,) = evidence.events("step_failed")
    assert (failed["error"]["code"], failed["attempts"]) == ("step.transient", 2)


@pytest.mark.parametrize("fault", ["config", "data", "crash"])
def test_only_transient_errors_are_tried_again(tmp_path: Path, fault: str) -> None:
    builder = PipelineBuilder()
    builder.add("make", "source", fault=fault, retry=Retry(attempts=5, delay=0))
    evidence = run_sample(tmp_path, builder)
    assert not evidence.events("step_retry")
    assert evidence.result.exit_code == 1


@pytest.mark.parametrize("claims, handed", [(1, 10), (-1, 10)])
def test_a_writer_that_miscounts_fails(tmp_path: Path, claims: int, handed: int) -> None:
    builder = PipelineBuilder().add("make", "source", rows=handed)
    builder.add("take", "sink", "make", claims=claims)
    evidence = run_sample(tmp_path, builder)
    (failed,) = evidence.events("step_failed")
    assert failed["error"]["code"] == "data.rows_lost"
    assert f"{handed} rows" in failed["error"]["message"]


def test_a_writer_that_stops_reading_early_fails(tmp_path: Path) -> None:
    builder = PipelineBuilder().add("make", "source", rows=100)
    builder.add("take", "sink", "make", stops_after=10)
    evidence = run_sample(tmp_path, builder)
    (failed,) = evidence.events("step_failed")
    assert failed["error"]["code"] == "data.rows_lost"


def test_a_transform_may_stop_reading_early(tmp_path: Path) -> None:
    builder = PipelineBuilder().add("make", "source", rows=100)
    builder.add("some", "mapper", "make", take=6).add("take", "sink", "some")
    evidence = run_sample(tmp_path, builder)
    assert evidence.result.ok
    assert ids(evidence, "take") == list(range(6))


def test_a_step_that_takes_too_long_fails(tmp_path: Path) -> None:
    builder = PipelineBuilder()
    builder.add("make", "source", rows=1000, batch_rows=1, delay=0.05, timeout=0.3)
    builder.add("take", "sink", "make")
    evidence = run_sample(tmp_path, builder)
    (failed,) = evidence.events("step_failed")
    assert failed["error"]["code"] == "step.timeout"
    assert evidence.state("take") == "skipped"


def test_a_driver_that_does_not_listen_is_ended_without_it(tmp_path: Path) -> None:
    builder = PipelineBuilder()
    builder.add("make", "source", rows=2, delay=60, deaf=True, timeout=0.2)
    builder.add("take", "sink", "make")
    started = time.monotonic()
    evidence = run_sample(tmp_path, builder, grace_seconds=0.2)
    assert time.monotonic() - started < 50
    (failed,) = evidence.events("step_failed")
    assert failed["error"]["code"] == "step.timeout"


@pytest.mark.parametrize(
    "reason, code",
    [(CancelledError("interrupted"), 130), (TerminatedError("terminated"), 143)],
)
def test_a_cancelled_run_says_so(tmp_path: Path, reason: CancelledError, code: int) -> None:
    token = CancelToken()
    builder = PipelineBuilder()
    builder.add("make", "source", rows=10_000, batch_rows=1, delay=0.05)
    builder.add("take", "sink", "make")
    timer = threading.Timer(0.3, token.cancel, [reason])
    timer.start()
    evidence = run_sample(tmp_path, builder, cancel=token)
    assert evidence.result.exit_code == code
    assert evidence.status["state"] == "cancelled"
    assert evidence.status["ok"] is False
    reasons = {e["step_id"]: e["reason"] for e in evidence.events("step_skipped")}
    assert reasons == {"make": "cancelled", "take": "cancelled"}
    assert not [p for p in (evidence.root / "artifacts").rglob("*") if p.is_file()]


def test_a_run_cancelled_before_it_starts_runs_nothing(tmp_path: Path) -> None:
    token = CancelToken()
    token.cancel()
    evidence = run_sample(tmp_path, chain(), cancel=token)
    assert evidence.result.exit_code == 130
    assert not evidence.events("step_start")


def test_progress_is_shown_and_not_kept(tmp_path: Path) -> None:
    seen: list[Record] = []
    evidence = run_sample(tmp_path, chain(rows=20, batch_rows=1, delay=0.02), observer=seen.append)
    progress = [r for r in seen if isinstance(r, Progress) and r.step_id == "make"]
    assert progress
    assert [p.rows for p in progress] == sorted(p.rows for p in progress)
    assert "progress" not in evidence.result.layout.events.read_text()


@pytest.mark.parametrize(
    "outputs, name",
    [
        (StepOutputs.AUTO, "output.csv"),
        (StepOutputs.CSV, "output.csv"),
        (StepOutputs.PARQUET, "output.parquet"),
        (StepOutputs.NONE, None),
    ],
)
def test_outputs_are_kept_as_asked(tmp_path: Path, outputs: StepOutputs, name: str | None) -> None:
    evidence = run_sample(tmp_path, chain(rows=5), step_outputs=outputs)
    directory = evidence.root / "artifacts" / "make"
    assert [p.name for p in directory.iterdir()] == ([name] if name else [])


def test_after_orders_steps_without_handing_a_table(tmp_path: Path) -> None:
    builder = PipelineBuilder()
    builder.add("make", "source", rows=3, delay=0.05).add("take", "sink", "make")
    builder.add("next", "source", after=("take",))
    evidence = run_sample(tmp_path, builder, jobs=4)
    order = [(e["event"], e.get("step_id")) for e in evidence.events()]
    assert order.index(("step_start", "next")) > order.index(("step_complete", "take"))


def test_after_a_failed_step_comes_nothing(tmp_path: Path) -> None:
    builder = PipelineBuilder()
    builder.add("make", "source", fault="data").add("take", "sink", "make")
    builder.add("next", "source", after=("take",))
    evidence = run_sample(tmp_path, builder)
    assert evidence.state("next") == "skipped"

"""What every adapter must do, wherever it runs the steps.

The pipelines are of the sample components, which must be importable where the steps run.
"""

import threading
from pathlib import Path

import pytest

from osiris.core.cancel import CancelToken
from osiris.core.errors import TerminatedError
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.manifest import Retry
from osiris.core.step_config import DescribedConnection
from tests.support.pipelines import Evidence, PipelineBuilder, run_with

SECRET = "a-canary-that-sings"
FILES = {"debug.log", "events.jsonl", "manifest.yaml", "metrics.jsonl", "osiris.log", "status.json"}


class AdapterContract:
    """Subclass as `TestSomething` and define the fixture `adapter`."""

    @pytest.fixture
    def adapter(self) -> ExecutionAdapter:
        """Return a new adapter."""
        raise NotImplementedError

    def evidence_is_whole(self, evidence: Evidence, builder: PipelineBuilder) -> None:
        """Check what must be true after every run, good or bad."""
        assert {p.name for p in evidence.root.iterdir()} >= FILES
        compiled = builder.compiled()
        assert evidence.result.layout.manifest.read_bytes() == compiled.manifest_bytes
        for step_id, data in compiled.cfgs.items():
            assert (evidence.root / "cfg" / f"{step_id}.json").read_bytes() == data
        status = evidence.status
        assert status["state"] != "running"
        assert status["exit_code"] == evidence.result.exit_code
        assert len(evidence.events("run_start")) == len(evidence.events("run_complete")) == 1
        assert evidence.events()[-1]["event"] == "run_complete"
        assert not list(evidence.root.rglob("*.part"))

    def test_a_good_run(self, adapter: ExecutionAdapter, tmp_path: Path) -> None:
        builder = PipelineBuilder().add("make", "source", rows=50)
        builder.add("map", "mapper", "make").add("take", "sink", "map")
        evidence = run_with(adapter, tmp_path, builder)
        self.evidence_is_whole(evidence, builder)
        assert evidence.result.ok
        made = (evidence.root / "artifacts" / "take" / "ids.txt").read_text()
        assert made.split() == [str(i) for i in range(50)]
        kept = (evidence.root / "artifacts" / "make" / "output.csv").read_text()
        assert len(kept.splitlines()) == 51
        (cleanup,) = evidence.events("cleanup_complete")
        assert cleanup["total_rows"] == 50

    def test_a_failing_branch_and_an_independent_one(
        self, adapter: ExecutionAdapter, tmp_path: Path
    ) -> None:
        builder = PipelineBuilder().add("bad", "source", rows=9, fault="data", fault_after=5)
        builder.add("lost", "sink", "bad")
        builder.add("good", "source", rows=9).add("kept", "sink", "good")
        evidence = run_with(adapter, tmp_path, builder)
        self.evidence_is_whole(evidence, builder)
        assert evidence.result.exit_code == 1
        assert evidence.status["error"]["code"] == "data.invalid"
        states = [evidence.state(step) for step in ("bad", "lost", "good", "kept")]
        assert states == ["failed", "skipped", "completed", "completed"]
        assert (evidence.root / "artifacts" / "kept" / "ids.txt").exists()
        assert not (evidence.root / "artifacts" / "lost" / "ids.txt").exists()

    def test_a_crashing_driver(self, adapter: ExecutionAdapter, tmp_path: Path) -> None:
        builder = PipelineBuilder().add("make", "source", fault="crash")
        evidence = run_with(adapter, tmp_path, builder)
        self.evidence_is_whole(evidence, builder)
        assert evidence.status["error"]["code"] == "step.crashed"
        assert "a bug in the sample" in evidence.result.layout.debug_log.read_text()

    def test_a_retried_step(self, adapter: ExecutionAdapter, tmp_path: Path) -> None:
        builder = PipelineBuilder()
        builder.add("make", "source", fault="transient", retry=Retry(attempts=2, delay=0.01))
        evidence = run_with(adapter, tmp_path, builder)
        self.evidence_is_whole(evidence, builder)
        assert len(evidence.events("step_retry")) == 1
        assert evidence.status["steps"]["make"]["attempts"] == 2

    @pytest.mark.parametrize("fault", ["none", "config", "crash"])
    def test_a_secret_is_in_no_record(
        self, adapter: ExecutionAdapter, tmp_path: Path, fault: str
    ) -> None:
        fields = {"token": "${SAMPLE_TOKEN}"}
        connection = DescribedConnection(ref="@sample.here", fields=fields)
        builder = PipelineBuilder()
        builder.add("make", "secret_source", connection=connection, fault=fault)
        evidence = run_with(adapter, tmp_path, builder, env={"SAMPLE_TOKEN": SECRET})
        self.evidence_is_whole(evidence, builder)
        for path in evidence.root.rglob("*"):
            assert SECRET not in str(path)
            assert not path.is_file() or SECRET.encode() not in path.read_bytes()
        assert evidence.result.ok == (fault == "none")

    def test_a_missing_variable(self, adapter: ExecutionAdapter, tmp_path: Path) -> None:
        fields = {"token": "${SAMPLE_TOKEN}"}
        connection = DescribedConnection(ref="@sample.here", fields=fields)
        builder = PipelineBuilder().add("make", "secret_source", connection=connection)
        evidence = run_with(adapter, tmp_path, builder, env={})
        self.evidence_is_whole(evidence, builder)
        assert evidence.result.exit_code == 4

    def test_a_cancelled_run(self, adapter: ExecutionAdapter, tmp_path: Path) -> None:
        builder = PipelineBuilder()
        builder.add("make", "source", rows=10_000, batch_rows=1, delay=0.05)
        builder.add("take", "sink", "make")
        token = CancelToken()

        def stop_once_started(record: object) -> None:
            if type(record).__name__ == "StepStart":
                threading.Timer(0.2, token.cancel, [TerminatedError("terminated")]).start()

        evidence = run_with(adapter, tmp_path, builder, cancel=token, observer=stop_once_started)
        self.evidence_is_whole(evidence, builder)
        assert evidence.result.exit_code == 143
        assert evidence.status["state"] == "cancelled"

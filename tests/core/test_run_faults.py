"""What goes wrong around the steps of a run: it ends all the same, and its records are true."""

import asyncio
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from osiris.components.component import Mode
from osiris.core.events import ArtifactCreated, StepStart
from osiris.core.manifest import Step
from osiris.core.records import Record
from osiris.core.step_config import DescribedConnection, StepConfig, sha256_hex
from tests.support.pipelines import PipelineBuilder, run_sample

ROOT = Path(__file__).parents[2]
PROBES = ROOT / "tests" / "remote" / "probe_package"
sys.path.append(str(PROBES))

from tests.remote.probes import probing  # noqa: E402 - the package it names must be on the path

PROGRAM = """
import json, os, resource, sys
from pathlib import Path
from osiris.core.errors import OsirisError
from osiris.core.run_options import StepOutputs
from tests.remote.probes import probe, probing
from tests.support.pipelines import PipelineBuilder, run_sample
project = Path(sys.argv[1])
try:
{body}
except OsirisError as error:
    print(json.dumps({{**error.to_dict(), "exit_code": error.exit_code}}))
"""


def ran(project: Path, body: str) -> dict[str, Any]:
    """Run code in a process of its own; return what it printed as JSON."""
    program = PROGRAM.format(body=textwrap.indent(textwrap.dedent(body), "    "))
    done = subprocess.run(
        [sys.executable, "-c", program, str(project)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests/sample_package'}:{PROBES}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


# --- whatever a driver or an observer raises ---


@pytest.mark.parametrize(
    "raised",
    ["asyncio.CancelledError()", "KeyboardInterrupt()", "GeneratorExit()", "SystemExit(0)"],
)
def test_a_step_ends_whatever_its_driver_raises(tmp_path: Path, raised: str) -> None:
    """Also what is no `Exception`: a thread that dies of it must not keep the run waiting."""
    evidence = run_sample(tmp_path, probing(f"import asyncio; raise {raised}"))
    assert evidence.state("probe") == "failed"
    assert raised.partition("(")[0].rpartition(".")[2] in evidence.status["error"]["message"]
    assert evidence.result.exit_code == 1


@pytest.mark.parametrize("error", [asyncio.CancelledError, RuntimeError, SystemExit])
def test_an_observer_that_raises_is_told_no_more(
    tmp_path: Path, error: type[BaseException]
) -> None:
    told: list[Record] = []

    def observer(record: Record) -> None:
        told.append(record)
        raise error("not my day")

    builder = PipelineBuilder().add("make", "source").add("take", "sink", "make")
    evidence = run_sample(tmp_path, builder, observer=observer)
    assert evidence.result.ok
    assert len(told) == 1
    assert "observer failed" in evidence.result.layout.log.read_text()


def test_an_artifact_that_is_gone_when_it_is_to_be_published(tmp_path: Path) -> None:
    def observer(record: Record) -> None:
        if isinstance(record, ArtifactCreated) and record.step_id == "write":
            (gone,) = tmp_path.rglob("write/ids.csv")
            gone.unlink()

    builder = PipelineBuilder().add("make", "source")
    config = StepConfig(
        id="write",
        component="filesystem.csv_writer",
        mode=Mode.WRITE,
        config={"path": "out/ids.csv"},
        connection=None,
    )
    data = rfc8785.dumps(config.model_dump(mode="json"))
    builder.cfgs["write"] = data
    builder.steps.append(
        Step(
            id="write",
            component=config.component,
            mode=Mode.WRITE,
            inputs={"df": "make"},
            cfg_sha256=sha256_hex(data),
        )
    )
    evidence = run_sample(tmp_path, builder, observer=observer)
    assert evidence.state("write") == "failed"
    assert "cannot read" in evidence.status["error"]["message"]
    (failed,) = evidence.events("artifact_publish_failed")
    assert failed["path"] == "out/ids.csv"
    assert not (tmp_path / "out" / "ids.csv").exists()


@pytest.mark.parametrize("secret", ["step", "make", "rows", "step_complete", "event"])
def test_a_secret_that_is_a_word_of_the_records_leaves_them_whole(
    tmp_path: Path, secret: str
) -> None:
    connection = DescribedConnection(ref="@sample.here", fields={"token": "${SAMPLE_TOKEN}"})
    builder = PipelineBuilder().add("make", "secret_source", connection=connection)
    evidence = run_sample(tmp_path, builder, env={"SAMPLE_TOKEN": secret})
    assert evidence.result.ok
    assert list(evidence.status["steps"]) == ["make"]
    assert evidence.events("step_complete")[0]["step_id"] == "make"
    assert evidence.metrics("rows_read")[0]["tags"] == {
        "step": "***" if secret == "make" else "make"
    }


# --- disks ---


def test_a_run_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("no directory")
    error = ran(tmp_path, "run_sample(project, probing('')); print('{}')")
    assert (error["code"], error["exit_code"]) == ("environment.unwritable_output", 4)


def test_record_files_that_cannot_be_opened(tmp_path: Path) -> None:
    """The run did not begin, and its status does not say that it goes on."""
    error = ran(
        tmp_path,
        """
        builder = probing('')
        builder.compiled()
        taken = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(taken) + 2, 4096))
        run_sample(project, builder)
        """,
    )
    assert (error["code"], error["exit_code"]) == ("environment.unwritable_output", 4)
    assert "Too many open files" in error["message"]
    (status,) = tmp_path.glob("logs/run_*/status.json")
    assert json.loads(status.read_text())["state"] == "failed"


def test_last_records_that_cannot_be_written_make_no_success(tmp_path: Path) -> None:
    """The disk is full when all steps are done: what is missing must not look complete."""
    told = ran(
        tmp_path,
        """
        def observer(record):
            if type(record).__name__ == "CleanupComplete":
                (events,) = project.glob("logs/run_*/events.jsonl")
                size = events.stat().st_size
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        result = run_sample(project, probing(''), observer=observer).result
        print(json.dumps({"ok": result.ok, "error": result.error.code if result.error else None}))
        """,
    )
    assert told == {"ok": False, "error": "step.disk_full"}
    (status,) = tmp_path.glob("logs/run_*/status.json")
    assert json.loads(status.read_text())["state"] == "failed"


def test_a_spill_file_that_cannot_be_ended_is_the_readers_failure(tmp_path: Path) -> None:
    """Not a skipped step because of one that completed."""
    told = ran(
        tmp_path,
        """
        def size(fd):
            try:
                name = os.readlink(f"/proc/self/fd/{fd}")
                return os.stat(f"/proc/self/fd/{fd}").st_size if "spill" in name else 0
            except OSError:
                return 0
        def observer(record):
            if type(record).__name__ == "StepComplete" and record.step_id == "make":
                spilled = max(map(size, os.listdir("/proc/self/fd")))
                resource.setrlimit(resource.RLIMIT_FSIZE, (spilled, resource.RLIM_INFINITY))
        builder = PipelineBuilder().add("make", "source", rows=50_000, batch_rows=1000)
        builder.add("take", "sink", "make")
        evidence = run_sample(
            project, builder, observer=observer, jobs=1, exchange_budget=50_000,
            step_outputs=StepOutputs.NONE,
        )
        print(json.dumps(evidence.status))
        """,
    )
    assert "steps" in told, told
    assert told["steps"]["make"]["state"] == "completed"
    assert told["steps"]["take"]["state"] == "failed"
    assert told["error"]["code"] == "step.disk_full"


def test_artifacts_that_cannot_be_made_are_not_the_drivers_fault(tmp_path: Path) -> None:
    def observer(record: Record) -> None:
        if isinstance(record, StepStart):
            (run,) = tmp_path.glob("logs/run_*")
            (run / "artifacts").write_text("no directory")

    evidence = run_sample(tmp_path, PipelineBuilder().add("make", "source"), observer=observer)
    assert evidence.state("make") == "failed"
    assert evidence.status["error"]["code"] == "step.system"
    assert "cannot write" in evidence.status["error"]["message"]


def test_a_system_without_threads_fails_the_steps(tmp_path: Path) -> None:
    told = ran(
        tmp_path,
        """
        import threading
        def observer(record):
            if type(record).__name__ == "SessionInitialized":
                threading.stack_size(1 << 46)  # no thread can have that
        builder = PipelineBuilder().add("make", "source").add("take", "sink", "make")
        print(json.dumps(run_sample(project, builder, observer=observer).status))
        """,
    )
    assert told["state"] == "failed"
    assert told["steps"]["make"]["state"] == "failed"
    assert told["steps"]["take"]["state"] == "skipped"
    assert "cannot be started" in told["error"]["message"]

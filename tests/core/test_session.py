"""The records of a run: complete, masked, true to the end."""

import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from osiris.core.records import LogLine, Record
from osiris.core.step_config import DescribedConnection
from tests.support.pipelines import Evidence, PipelineBuilder, run_sample

ROOT = Path(__file__).parents[2]
CANARY = 'c4n"ary\\ pass=wörd&x'


def secret_pipeline(**config: Any) -> PipelineBuilder:
    connection = DescribedConnection(ref="@sample.here", fields={"token": "${SAMPLE_TOKEN}"})
    builder = PipelineBuilder()
    builder.add("make", "secret_source", connection=connection, **config)
    return builder.add("take", "sink", "make")


def everything(root: Path) -> bytes:
    """All bytes of all files and names below a directory."""
    parts = [str(p).encode() + (p.read_bytes() if p.is_file() else b"") for p in root.rglob("*")]
    return b"\n".join(parts)


@pytest.mark.parametrize("fault", ["none", "config", "crash"])
@pytest.mark.parametrize("secret", [CANARY, "simple-canary-77"])
def test_a_secret_is_in_no_record(tmp_path: Path, fault: str, secret: str) -> None:
    shown: list[Record] = []
    evidence = run_sample(
        tmp_path, secret_pipeline(fault=fault), env={"SAMPLE_TOKEN": secret}, observer=shown.append
    )
    data = everything(evidence.root)
    for form in (secret, json.dumps(secret)[1:-1], repr(secret)[1:-1]):
        assert form.encode() not in data
        assert form not in repr(shown)
    assert b"***" in data
    assert evidence.state("make") == ("completed" if fault == "none" else "failed")


def test_the_cfg_of_a_run_holds_placeholders(tmp_path: Path) -> None:
    evidence = run_sample(tmp_path, secret_pipeline(), env={"SAMPLE_TOKEN": CANARY})
    cfg = json.loads((evidence.root / "cfg" / "make.json").read_text())
    assert cfg["connection"]["fields"]["token"] == "${SAMPLE_TOKEN}"
    (resolved,) = evidence.events("connection_resolve_complete")
    assert resolved["variables"] == ["SAMPLE_TOKEN"]


def test_a_missing_variable_is_found_before_anything_runs(tmp_path: Path) -> None:
    evidence = run_sample(tmp_path, secret_pipeline(), env={})
    assert evidence.result.exit_code == 4
    assert evidence.status["error"]["code"] == "environment.missing_variable"
    assert "SAMPLE_TOKEN" in evidence.status["error"]["message"]
    assert not evidence.events("step_start")
    assert evidence.events("preflight_validation_error")


def test_a_missing_cfg_is_found_before_anything_runs(tmp_path: Path) -> None:
    builder = secret_pipeline()
    del builder.cfgs["take"]
    evidence = run_sample(tmp_path, builder, env={"SAMPLE_TOKEN": "long enough"})
    assert evidence.result.exit_code == 3
    assert "cfg/take.json is missing" in evidence.status["error"]["message"]


def test_an_edited_cfg_is_refused(tmp_path: Path) -> None:
    builder = secret_pipeline()
    builder.cfgs["take"] = builder.cfgs["take"].replace(b'"claims"', b'"claims"') + b" "
    evidence = run_sample(tmp_path, builder, env={"SAMPLE_TOKEN": "long enough"})
    assert evidence.result.exit_code == 3
    assert "not the file that was compiled" in evidence.status["error"]["message"]


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    builder = secret_pipeline()
    del builder.cfgs["take"]
    evidence = run_sample(tmp_path, builder, env={})
    (event,) = evidence.events("preflight_validation_error")
    assert len(event["errors"]) == 2


def test_the_manifest_and_cfgs_are_copied_byte_for_byte(tmp_path: Path) -> None:
    builder = secret_pipeline()
    evidence = run_sample(tmp_path, builder, env={"SAMPLE_TOKEN": "long enough"})
    compiled = builder.compiled()
    assert evidence.result.layout.manifest.read_bytes() == compiled.manifest_bytes
    for step_id, data in compiled.cfgs.items():
        assert (evidence.root / "cfg" / f"{step_id}.json").read_bytes() == data


def test_messages_go_to_the_logs_by_level(tmp_path: Path) -> None:
    shown: list[Record] = []
    builder = PipelineBuilder().add("make", "source")
    evidence = run_sample(tmp_path, builder, observer=shown.append)
    before = logging.getLogger("osiris").level
    assert "the run stopped" not in evidence.result.layout.debug_log.read_text()
    assert logging.getLogger("osiris").level == before
    assert not [r for r in shown if isinstance(r, LogLine) and r.level >= logging.ERROR]


def test_every_line_is_json_with_time_and_session(tmp_path: Path) -> None:
    evidence = run_sample(tmp_path, secret_pipeline(), env={"SAMPLE_TOKEN": "long enough"})
    for path in (evidence.result.layout.events, evidence.result.layout.metrics):
        for line in path.read_text().splitlines():
            data = json.loads(line)
            assert list(data)[:2] == ["ts", "session"]
            assert data["session"] == evidence.root.name


PROGRAM = """
    import resource, sys
    from pathlib import Path
    from tests.support.pipelines import PipelineBuilder, run_sample
    {setup}
    evidence = run_sample(Path(sys.argv[1]), {builder})
    sys.exit(evidence.result.exit_code)
"""


def start(project: Path, builder: str, setup: str = "") -> subprocess.Popen[bytes]:
    program = textwrap.dedent(PROGRAM).format(builder=builder, setup=setup)
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "sample_package")])
    return subprocess.Popen(
        [sys.executable, "-c", program, str(project)], env={**os.environ, "PYTHONPATH": path}
    )


def status_of_only_run(project: Path) -> dict[str, object]:
    (status,) = project.glob("logs/run_*/status.json")
    data: dict[str, object] = json.loads(status.read_text())
    return data


def test_status_says_running_from_the_first_moment(tmp_path: Path) -> None:
    builder = "PipelineBuilder().add('make', 'source', rows=1000, batch_rows=1, delay=0.1)"
    process = start(tmp_path, builder)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("logs/run_*/events.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    status = status_of_only_run(tmp_path)
    assert (status["state"], status["ok"], status["pid"]) == ("running", False, process.pid)


def test_a_file_size_limit_fails_the_step_and_the_status_is_true(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands for a full disk or a quota."""
    setup = "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    builder = (
        "PipelineBuilder().add('make', 'source', rows=50_000, batch_rows=1000)"
        ".add('take', 'sink', 'make')"
    )
    process = start(tmp_path, builder, setup)
    assert process.wait(60) == 1
    status = status_of_only_run(tmp_path)
    assert status["state"] == "failed"
    assert "step.disk_full" in json.dumps(status["error"])
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
def test_a_full_disk_leaves_a_true_status(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)], check=True)
    try:
        builder = (
            "PipelineBuilder().add('make', 'source', rows=100_000, batch_rows=1000)"
            ".add('take', 'sink', 'make')"
        )
        process = start(disk, builder)
        assert process.wait(60) == 1
        status = status_of_only_run(disk)
        assert status["state"] == "failed"
        (events,) = disk.glob("logs/run_*/events.jsonl")
        lines = [json.loads(line) for line in events.read_text().splitlines()]
        assert lines[-1]["event"] == "run_complete"
        assert not list(disk.rglob("*.part"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_evidence_of_a_good_run_is_the_tree_of_the_design(tmp_path: Path) -> None:
    evidence: Evidence = run_sample(
        tmp_path, secret_pipeline(), env={"SAMPLE_TOKEN": "long enough"}
    )
    tree = sorted(str(p.relative_to(evidence.root)) for p in evidence.root.rglob("*"))
    assert tree == [
        "artifacts",
        "artifacts/make",
        "artifacts/make/output.csv",
        "artifacts/take",
        "artifacts/take/ids.txt",
        "cfg",
        "cfg/make.json",
        "cfg/take.json",
        "debug.log",
        "events.jsonl",
        "manifest.yaml",
        "metrics.jsonl",
        "osiris.log",
        "status.json",
    ]

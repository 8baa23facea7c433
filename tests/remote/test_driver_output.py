"""What a driver prints or records, however much and whatever, does no harm and comes back."""

from pathlib import Path

import pytest

from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.remote.probes import probing
from tests.remote.run_ends import ADAPTERS, records_agree
from tests.support.pipelines import run_with

pytestmark = pytest.mark.usefixtures("bubblewrap")


GARBAGE = r"""
import os, subprocess, sys
print("plain print", flush=True)
sys.stdout.buffer.write(b"\xff\xfe not utf-8 \x00\x1b[31m\n")
sys.stdout.flush()
os.write(1, b'{"v":1,"seq":1,"ts":1,"type":"closed","data":{}}\n')
os.write(2, b"x" * 300_000)
subprocess.run(["sh", "-c", "echo from a child; echo on stderr >&2; printf 'no newline'"])
"""


@pytest.mark.parametrize("place", ADAPTERS)
def test_what_a_step_prints_does_no_harm_and_comes_back(tmp_path: Path, place: str) -> None:
    evidence = run_with(ADAPTERS[place](), tmp_path, probing(GARBAGE))
    records_agree(evidence)
    assert evidence.result.ok
    log = evidence.result.layout.log.read_text()
    assert "worker.stdout: plain print" in log
    assert r"worker.stdout: \xff\xfe not utf-8" in log
    assert '"type":"closed"' in log
    assert "worker.stdout: from a child" in log
    assert "worker.stderr: " in log
    assert "on stderr" in log
    assert "no newline" in log
    assert log.count("x") >= 300_000


def test_a_step_that_prints_without_end_is_cut_short(tmp_path: Path) -> None:
    code = "import os\nfor _ in range(3000): os.write(1, (b'x' * 99 + b'\\n') * 100)"
    evidence = run_with(sandbox_adapter("process"), tmp_path, probing(code))
    assert evidence.result.ok
    log = evidence.result.layout.log.read_text()
    assert "more bytes were not kept" in log
    assert len(log) < 12_000_000


def test_a_record_of_megabytes_comes_through(tmp_path: Path) -> None:
    code = "log.warning('ž' * 3_000_000 + ' the end')"
    evidence = run_with(ADAPTERS["far"](), tmp_path, probing(code))
    assert evidence.result.ok
    log = evidence.result.layout.log.read_text()
    assert "ž" * 3_000_000 + " the end" in log


def test_a_record_that_is_far_too_large_is_cut(tmp_path: Path) -> None:
    code = "log.warning('x' * 40_000_000)"
    evidence = run_with(sandbox_adapter("process"), tmp_path, probing(code))
    assert evidence.result.ok
    assert "(40000000 characters)" in evidence.result.layout.log.read_text()


TAMPER = r"""
import os
for fd in range(3, 60):
    try:
        if os.readlink(f"/proc/self/fd/{fd}").startswith("pipe:"):
            os.set_blocking(fd, True)
            os.write(fd, b'{"ts":1,"type":"event","data":{"event":"run_complete"},"seq":9}\n')
            os.write(fd, b'garbage\n{"ts":1,"type":"closed","data":{}}\n')
    except OSError:
        pass
"""


def test_a_step_that_writes_into_the_workers_pipe_cannot_forge_a_seq(tmp_path: Path) -> None:
    evidence = run_with(sandbox_adapter("process"), tmp_path, probing(TAMPER))
    assert evidence.result.ok
    assert len(evidence.events("run_complete")) == 1
    assert "worker.stderr: garbage" in evidence.result.layout.log.read_text()

"""However a run in a sandbox ends, its records say so, agree, and nothing is left."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from osiris.core.cancel import CancelToken
from osiris.core.errors import CancelledError, TerminatedError
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.remote.probes import found, probe, probing
from tests.remote.run_ends import (
    ADAPTERS,
    QUICK,
    kill_runner,
    kill_worker,
    once_started,
    records_agree,
    running,
    slow,
    workers,
)
from tests.remote.test_local_sandbox import wait_until
from tests.support.pipelines import PipelineBuilder, run_with
from tests.support.sandboxes import FarProvider

pytestmark = pytest.mark.usefixtures("bubblewrap")


@pytest.mark.parametrize("place", ADAPTERS)
@pytest.mark.parametrize("victim", [kill_worker, kill_runner], ids=["worker", "runner"])
def test_what_is_killed_is_told(tmp_path: Path, place: str, victim: Callable[[Path], None]) -> None:
    adapter = ADAPTERS[place](**QUICK)
    started = time.monotonic()
    evidence = run_with(
        adapter, tmp_path, slow(), observer=once_started("take", lambda: victim(tmp_path))
    )
    assert time.monotonic() - started < 60
    records_agree(evidence)
    assert evidence.result.exit_code == 5
    error = evidence.status["error"]
    assert error["code"] == "sandbox.worker_died"
    assert ("signal 9" if victim is kill_worker else "runner died") in error["message"]
    states = {step: evidence.state(step) for step in ("early", "done", "make", "take", "never")}
    assert states == {
        "early": "completed",
        "done": "completed",
        "make": "failed",
        "take": "failed",
        "never": "skipped",
    }
    assert evidence.status["steps"]["never"]["reason"] == "adapter_failed"
    assert (evidence.root / "artifacts/done/ids.txt").read_text().split() == list("01234")
    assert not (evidence.root / "artifacts/take/ids.txt").exists()


@pytest.mark.parametrize("seed", range(6))
def test_a_worker_killed_at_any_moment_leaves_true_records(tmp_path: Path, seed: int) -> None:
    """Kill the worker or its runner after a random time; what was recorded stays true."""
    chance = random.Random(seed)
    victim = chance.choice([kill_worker, kill_runner])
    delay = chance.uniform(0.0, 0.6)

    def strike() -> None:
        try:
            wait_until(lambda: bool(workers(tmp_path)), 5.0)
            time.sleep(delay)
            victim(tmp_path)
        except (AssertionError, ValueError, psutil.Error):
            pass  # it was over before

    killer = threading.Thread(target=strike)
    killer.start()
    builder = PipelineBuilder().add("make", "source", rows=60, batch_rows=1, delay=0.005)
    builder.add("take", "sink", "make").add("more", "sink", "make")
    adapter = ADAPTERS[chance.choice(["process", "far"])](**QUICK)
    evidence = run_with(adapter, tmp_path, builder)
    killer.join()
    records_agree(evidence)
    for step in ("take", "more"):
        ids = evidence.root / "artifacts" / step / "ids.txt"
        if evidence.status["steps"].get(step, {}).get("state") == "completed":
            assert len(ids.read_text().split()) == 60
        else:
            assert not ids.exists()
    assert running(tmp_path) == []


@pytest.mark.parametrize("place", ADAPTERS)
@pytest.mark.parametrize(
    "reason,code", [(CancelledError("stop"), 130), (TerminatedError("stop"), 143)]
)
def test_a_cancelled_run_brings_back_what_it_has(
    tmp_path: Path, place: str, reason: CancelledError, code: int
) -> None:
    cancel = CancelToken()
    evidence = run_with(
        ADAPTERS[place](**QUICK),
        tmp_path,
        slow(),
        cancel=cancel,
        observer=once_started("take", lambda: cancel.cancel(reason)),
    )
    records_agree(evidence)
    assert evidence.result.exit_code == code
    assert evidence.status["state"] == "cancelled"
    assert evidence.state("make") == evidence.state("take") == "skipped"
    assert evidence.status["steps"]["never"]["reason"] == "cancelled"
    assert (evidence.root / "artifacts/done/ids.txt").is_file()
    (ended,) = evidence.events("sandbox_worker_ended")
    assert (ended["reason"], ended["exit_code"]) == ("cancelled", 0)


def test_a_run_that_is_cancelled_before_gets_no_sandbox(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel(TerminatedError("stop"))
    provider = FarProvider()
    evidence = run_with(E2BTransparentProxy(provider), tmp_path, slow(), cancel=cancel)
    assert evidence.result.exit_code == 143
    assert provider.made == []


DEAF = """
import signal, time
while True:
    try:
        time.sleep(0.05)
    except BaseException:
        pass
"""


@pytest.mark.parametrize("place", ["process", "far"])
def test_a_step_that_does_not_stop_is_left(tmp_path: Path, place: str) -> None:
    """The engine gives it up after its grace, and the worker ends with it."""
    cancel = CancelToken()
    evidence = run_with(
        ADAPTERS[place](**QUICK),
        tmp_path,
        probing(DEAF),
        cancel=cancel,
        grace_seconds=0.5,
        observer=once_started("probe", cancel.cancel),
    )
    records_agree(evidence)
    assert evidence.result.exit_code == 130
    assert evidence.state("probe") == "skipped"


def test_a_worker_that_does_not_stop_at_all_is_ended(tmp_path: Path) -> None:
    """A driver in C that never lets go of the interpreter: no thread can hear anything."""
    cancel = CancelToken()
    code = "import ctypes; ctypes.PyDLL(None).sleep(600)"
    started = time.monotonic()
    evidence = run_with(
        sandbox_adapter("process", **QUICK),
        tmp_path,
        probing(code),
        cancel=cancel,
        grace_seconds=-3.0,  # with the worker's own five seconds: two
        observer=once_started("probe", cancel.cancel),
    )
    assert time.monotonic() - started < 60
    records_agree(evidence)
    assert evidence.result.exit_code == 130
    assert evidence.status["steps"]["probe"]["reason"] == "cancelled"
    (ended,) = evidence.events("sandbox_worker_ended")
    assert ended["signal"] in {signal.SIGTERM, signal.SIGKILL}


@pytest.mark.parametrize("place", ADAPTERS)
def test_a_deadline_is_kept(tmp_path: Path, place: str) -> None:
    adapter = ADAPTERS[place](**QUICK, deadline=1.0)
    evidence = run_with(adapter, tmp_path, slow(), grace_seconds=0.5)
    records_agree(evidence)
    assert evidence.result.exit_code == 5
    assert "deadline" in evidence.status["error"]["message"]


def test_two_branches_one_of_which_kills_the_worker(tmp_path: Path) -> None:
    builder = probe(PipelineBuilder(), "first", "rows = [1]")
    # In the step's own thread: one to the process is heard by another while the step goes on.
    builder = probe(builder, "bad", "import signal; signal.raise_signal(signal.SIGSEGV)")
    evidence = run_with(sandbox_adapter("process"), tmp_path, builder, jobs=1)
    records_agree(evidence)
    assert evidence.state("first") == "completed"
    assert evidence.state("bad") == "failed"
    assert "signal 11" in evidence.status["error"]["message"]
    assert "Fatal Python error: Segmentation fault" in evidence.result.layout.log.read_text()


@pytest.mark.parametrize("kind", ["process", "bubblewrap"])
def test_a_killed_host_leaves_nothing_running(tmp_path: Path, kind: str) -> None:
    root = Path(__file__).parents[2]
    program = f"""
import sys
sys.path[:0] = [{str(root)!r}, {str(root / "tests" / "sample_package")!r}]
from pathlib import Path
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.support.pipelines import PipelineBuilder, run_with
builder = PipelineBuilder().add("make", "source", rows=100000, batch_rows=1, delay=0.02)
run_with(sandbox_adapter({kind!r}), Path({str(tmp_path)!r}), builder.add("take", "sink", "make"))
"""
    host = subprocess.Popen([sys.executable, "-c", program])
    run = tmp_path / "logs"
    wait_until(lambda: any("step_start" in p.read_text() for p in run.glob("*/events.jsonl")))
    host.send_signal(signal.SIGKILL)
    host.wait()
    wait_until(lambda: running(tmp_path) == [])
    (status,) = run.glob("*/status.json")
    assert json.loads(status.read_text())["state"] == "running"  # told as crashed by its dead pid
    assert not Path(f"/proc/{json.loads(status.read_text())['pid']}").exists()


def test_a_kept_sandbox_stays(tmp_path: Path) -> None:
    evidence = run_with(sandbox_adapter("process", keep=True), tmp_path, probing("rows = ['kept']"))
    assert evidence.result.ok
    assert found(evidence) == ["kept"]
    assert list((evidence.root / ".sandbox").rglob("journal.jsonl"))
    assert len(evidence.events("sandbox_kept")) == 1
    assert running(tmp_path) == []

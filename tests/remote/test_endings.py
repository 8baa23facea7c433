"""However a run in a sandbox ends, its records say so, agree with each other, and nothing is left."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from osiris.core.cancel import CancelToken
from osiris.core.errors import CancelledError, TerminatedError
from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.records import Record as RunRecord
from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.errors import SandboxError, SandboxFullError, SandboxUnreachableError
from osiris.remote.local_sandbox import LocalSandbox
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.remote.probes import found, probe, probing
from tests.remote.test_local_sandbox import marked, wait_until
from tests.support.pipelines import Evidence, PipelineBuilder, run_with
from tests.support.sandboxes import FarProvider, FarSandbox

pytestmark = pytest.mark.usefixtures("bubblewrap")
QUICK = {"heartbeat": 0.2, "patience": 3.0}
ENDS = {"step_complete", "step_failed", "step_skipped"}


def far(wrap: Callable[[LocalSandbox], FarSandbox] = FarSandbox, **choices: Any) -> FarProvider:
    del choices
    return FarProvider(wrap)


ADAPTERS: dict[str, Callable[..., ExecutionAdapter]] = {
    "process": lambda **choices: sandbox_adapter("process", **choices),
    "bubblewrap": lambda **choices: sandbox_adapter(**choices),
    "far": lambda **choices: E2BTransparentProxy(FarProvider(), SandboxChoices(**choices)),
}


def records_agree(evidence: Evidence) -> None:
    """Check what must hold after every end: each step ended once, status and events agree."""
    events = evidence.events()
    assert events[-1]["event"] == "run_complete"
    assert evidence.status["state"] != "running"
    assert events[-1]["exit_code"] == evidence.status["exit_code"] == evidence.result.exit_code
    counted = {"completed": 0, "failed": 0, "skipped": 0}
    for step, status in evidence.status["steps"].items():
        ends = [e["event"] for e in events if e.get("step_id") == step and e["event"] in ENDS]
        assert len(ends) == 1, (step, ends)
        assert status["state"] in counted
        counted[status["state"]] += 1
    for state, count in counted.items():
        assert evidence.status[f"steps_{state}"] == count
    compiled = evidence.result.layout
    assert compiled.manifest.is_file()
    assert list(compiled.cfg.iterdir())
    assert compiled.commands.is_file()
    assert not list(evidence.root.rglob("*.part"))
    assert not (evidence.root / ".sandbox").exists()
    (gone,) = evidence.events("sandbox_killed")
    assert gone["sandbox"] == evidence.events("sandbox_created")[0]["sandbox"]


def slow(rows: int = 10_000) -> PipelineBuilder:
    """A pipeline that goes on for long, and a step that was over before."""
    builder = PipelineBuilder().add("early", "source", rows=5).add("done", "sink", "early")
    builder.add("make", "source", rows=rows, batch_rows=1, delay=0.02, after=("done",))
    return builder.add("take", "sink", "make").add("never", "source", after=("take",))


def once_started(step: str, action: Callable[[], object]) -> Callable[[RunRecord], None]:
    """Return an observer that does something, once, when a step has started."""
    armed = threading.Event()

    def observe(record: RunRecord) -> None:
        hit = type(record).__name__ == "StepStart" and getattr(record, "step_id", "") == step
        if hit and not armed.is_set():
            armed.set()
            threading.Timer(0.2, action).start()

    return observe


def running(project: Path) -> list[psutil.Process]:
    """The processes of the runs in a project: their command lines name the run."""
    runs = [path.name for path in (project / "logs").glob("run_*")]
    return [process for run in runs for process in marked(run)]


def workers(project: Path) -> list[psutil.Process]:
    """The workers among them: each is a copy of its runner, which is its parent."""
    found = []
    for process in running(project):
        try:
            parent = process.parent()
            python = "python" in process.name()
            if python and parent is not None and parent.cmdline() == process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_worker(project: Path) -> None:
    (worker,) = workers(project)
    worker.kill()


def kill_runner(project: Path) -> None:
    (worker,) = workers(project)
    runner = worker.parent()
    assert runner is not None
    runner.kill()


@pytest.mark.parametrize("place", ADAPTERS)
@pytest.mark.parametrize("victim", [kill_worker, kill_runner], ids=["worker", "runner"])
def test_what_is_killed_is_told(tmp_path: Path, place: str, victim: Callable[[Path], None]) -> None:
    adapter = ADAPTERS[place](**QUICK)
    started = time.monotonic()
    evidence = run_with(
        adapter, tmp_path, slow(), observer=once_started("take", lambda: victim(tmp_path))
    )
    assert time.monotonic() - started < 20
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
    ("reason", "code"), [(CancelledError("stop"), 130), (TerminatedError("stop"), 143)]
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
    assert time.monotonic() - started < 30
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


class Vanishing(FarSandbox):
    """A sandbox that is gone, all at once, when the test says so."""

    gone = False

    def alive(self) -> bool:
        return not self.gone and super().alive()

    def vanish(self) -> None:
        self.gone = True
        self.inner.kill()


def test_a_sandbox_that_is_lost_is_told_with_all_that_was_known(tmp_path: Path) -> None:
    provider = FarProvider(Vanishing)

    def vanish() -> None:
        (sandbox,) = provider.made
        assert isinstance(sandbox, Vanishing)
        sandbox.vanish()

    adapter = E2BTransparentProxy(provider, SandboxChoices(**QUICK))
    evidence = run_with(adapter, tmp_path, slow(), observer=once_started("take", vanish))
    records_agree(evidence)
    assert evidence.status["error"]["code"] == "sandbox.gone"
    assert evidence.state("done") == "completed"
    assert evidence.state("take") == "failed"


class Unkillable(FarSandbox):
    """A sandbox that cannot be killed."""

    def kill(self) -> None:
        super().kill()
        raise SandboxUnreachableError("the service does not answer")


def test_a_kill_that_fails_is_recorded(tmp_path: Path) -> None:
    adapter = E2BTransparentProxy(FarProvider(Unkillable), SandboxChoices(**QUICK))
    evidence = run_with(adapter, tmp_path, PipelineBuilder().add("make", "source"))
    assert evidence.result.ok
    (failed,) = evidence.events("sandbox_kill_failed")
    assert failed["error"]["code"] == "sandbox.unreachable"
    assert failed["sandbox"] == evidence.events("sandbox_created")[0]["sandbox"]
    assert "could not be killed" in evidence.result.layout.log.read_text()


class Refusing:
    """A provider that makes nothing."""

    name = "refusing"

    def create(self, spec: object) -> FarSandbox:
        raise SandboxError("the key is refused", hint="get another")


def test_a_refusal_leaves_a_whole_run(tmp_path: Path) -> None:
    evidence = run_with(E2BTransparentProxy(Refusing()), tmp_path, slow())
    assert evidence.result.exit_code == 5
    assert evidence.status["error"]["message"] == "the key is refused"
    assert evidence.result.layout.manifest.is_file()
    assert len(list(evidence.result.layout.cfg.iterdir())) == 5


class Full(FarSandbox):
    """A sandbox without space."""

    def write(self, path: str, data: Any) -> None:
        del data
        raise SandboxFullError(f"no space for {path}")


def test_a_full_sandbox_is_told(tmp_path: Path) -> None:
    evidence = run_with(E2BTransparentProxy(FarProvider(Full)), tmp_path, slow())
    records_agree(evidence)
    assert evidence.status["error"]["code"] == "sandbox.full"


class Short(FarSandbox):
    """A sandbox whose downloads end early, for good."""

    def read(self, path: str, offset: int, length: int) -> bytes:
        return super().read(path, offset, length)[: max(0, 10 - offset)]


def test_a_truncated_download_is_not_believed(tmp_path: Path) -> None:
    evidence = run_with(E2BTransparentProxy(FarProvider(Short)), tmp_path, slow(rows=3))
    assert evidence.status["error"]["code"] == "sandbox.hostile"
    assert not (evidence.root / "artifacts/early/output.csv").exists()
    assert not list(evidence.root.rglob("*.part"))


class Damaging(FarSandbox):
    """A sandbox whose first uploads arrive with a flaw."""

    flawed = 2

    def write(self, path: str, data: Any) -> None:
        if path.endswith("bundle.part") and self.flawed:
            self.flawed -= 1
            data = data[:1000] + b"?" + data[1001:]
        super().write(path, data)


def test_a_damaged_upload_is_sent_again(tmp_path: Path) -> None:
    evidence = run_with(E2BTransparentProxy(FarProvider(Damaging)), tmp_path, slow(rows=3))
    assert evidence.result.ok
    assert evidence.result.layout.log.read_text().count("arrived damaged") == 2


def test_an_upload_that_stays_damaged_is_never_run(tmp_path: Path) -> None:
    provider = FarProvider(type("Broken", (Damaging,), {"flawed": 100}))
    evidence = run_with(E2BTransparentProxy(provider), tmp_path, slow(rows=3))
    assert evidence.status["error"]["code"] == "sandbox.unreachable"
    assert evidence.events("sandbox_worker_started") == []


class Renewed(FarSandbox):
    pass


def test_the_life_of_the_sandbox_is_renewed_at_a_third(tmp_path: Path) -> None:
    provider = FarProvider(Renewed)
    adapter = E2BTransparentProxy(provider, SandboxChoices(ttl=1))
    evidence = run_with(adapter, tmp_path, slow(rows=60))
    assert evidence.result.ok
    (sandbox,) = provider.made
    assert isinstance(sandbox, Renewed)
    assert len(sandbox.renewals) >= 3
    assert set(sandbox.renewals) == {1}


def test_a_worker_that_nobody_hears_stops(tmp_path: Path) -> None:
    """The host is cut off for good: the lease runs out, and the worker ends by itself."""
    provider = FarProvider(type("Silent", (FarSandbox,), {"follow": _no_stream}))
    choices = SandboxChoices(heartbeat=0.2, patience=8.0, lease=1.0)
    adapter = E2BTransparentProxy(provider, choices)
    runner = threading.Thread(
        target=run_with, args=(adapter, tmp_path, slow()), kwargs={"grace_seconds": 0.2}
    )
    runner.start()
    wait_until(lambda: bool(workers(tmp_path)))
    wait_until(lambda: not workers(tmp_path), 8.0)
    runner.join()


def _no_stream(_self: FarSandbox, _argv: object) -> Any:
    raise SandboxUnreachableError("cut")


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


def test_two_branches_one_of_which_kills_the_worker(tmp_path: Path) -> None:
    builder = probe(PipelineBuilder(), "first", "rows = [1]")
    builder = probe(builder, "bad", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
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
    assert not os.path.exists(f"/proc/{json.loads(status.read_text())['pid']}")


def test_a_kept_sandbox_stays(tmp_path: Path) -> None:
    evidence = run_with(sandbox_adapter("process", keep=True), tmp_path, probing("rows = ['kept']"))
    assert evidence.result.ok
    assert found(evidence) == ["kept"]
    assert list((evidence.root / ".sandbox").rglob("journal.jsonl"))
    assert len(evidence.events("sandbox_kept")) == 1
    assert running(tmp_path) == []

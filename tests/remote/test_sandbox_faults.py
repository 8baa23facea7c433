"""What can go wrong with a sandbox itself: lost, full, cut short, damaged, never killed."""

import threading
from pathlib import Path
from typing import Any

import pytest

from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.errors import SandboxError, SandboxFullError, SandboxUnreachableError
from tests.remote.probes import probing
from tests.remote.run_ends import QUICK, once_started, records_agree, slow, workers
from tests.remote.test_local_sandbox import wait_until
from tests.support.pipelines import PipelineBuilder, run_with
from tests.support.sandboxes import FarProvider, FarSandbox

pytestmark = pytest.mark.usefixtures("bubblewrap")


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
    shares_files = False

    def create(self, spec: object) -> FarSandbox:
        del spec
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
    choices = SandboxChoices(heartbeat=0.2, patience=5.0, lease=1.0)
    adapter = E2BTransparentProxy(provider, choices)
    runner = threading.Thread(
        target=run_with, args=(adapter, tmp_path, slow()), kwargs={"grace_seconds": 0.2}
    )
    runner.start()
    wait_until(lambda: bool(workers(tmp_path)))
    wait_until(lambda: not workers(tmp_path))
    runner.join()


def _no_stream(_self: FarSandbox, _argv: object) -> Any:
    raise SandboxUnreachableError("cut")


# A limit on the size of the runner's files stands for its full disk; the worker's are not limited.
FILLED = """
import os, resource
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.prlimit(os.getppid(), resource.RLIMIT_FSIZE, (12_000, hard))
for number in range(400):
    log.warning("%d %s", number, "x" * 100_000)
"""


def test_a_disk_that_fills_up_under_the_journal_ends_the_run(tmp_path: Path) -> None:
    """What was written before is here, and the hint says what it may be."""
    adapter = E2BTransparentProxy(FarProvider(), SandboxChoices(heartbeat=0.2, patience=30.0))
    evidence = run_with(adapter, tmp_path, probing(FILLED), grace_seconds=0.2)
    records_agree(evidence)
    error = evidence.status["error"]
    assert error["code"] in {"sandbox.full", "sandbox.worker_died"}
    assert "disk" in error["hint"]
    assert evidence.state("probe") == "failed"
    assert len(evidence.events("step_start")) == 1

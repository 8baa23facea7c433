"""The sandboxes on this machine keep the sandbox contract, and what only they promise."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from osiris.remote.bubblewrap_sandbox import BubblewrapSandboxProvider
from osiris.remote.errors import SandboxError, SandboxFileMissingError
from osiris.remote.local_sandbox import LocalSandbox, home_of
from osiris.remote.process_sandbox import ProcessSandboxProvider
from osiris.remote.sandbox import SandboxProvider, SandboxSpec, SharesFiles
from tests.contracts.sandbox_contract import SandboxContract

# Starts a child that starts a child in a session of its own, as a daemon would.
FAMILY = """
import os, subprocess, sys, time
program = "import time; time.sleep(600)  # {mark}"
subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        subprocess.Popen([sys.executable, "-c", program])
        time.sleep(600)
    os._exit(0)
time.sleep(600)
"""


def marked(mark: str) -> list[psutil.Process]:
    """The living processes with a mark in their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and mark in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return [process for process in found if process.pid != os.getpid()]


def wait_until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


class LocalSandboxContract(SandboxContract):
    """What sandboxes on this machine promise as well."""

    def test_it_shares_its_files(self, sandbox: LocalSandbox) -> None:
        assert isinstance(sandbox, SharesFiles)
        sandbox.write(f"{sandbox.home}/file", b"here")
        sandbox.kill()
        with sandbox.open(f"{sandbox.home}/file") as file:
            assert file.read() == b"here"

    @pytest.mark.parametrize(
        "link", ["home/evil -> /etc", "home/deep/evil -> ../../../..", "home/evil -> ."]
    )
    def test_no_link_is_followed(self, sandbox: LocalSandbox, tmp_path: Path, link: str) -> None:
        where, _, target = link.partition(" -> ")
        path = tmp_path / ".sandbox" / where
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
        inside = f"{sandbox.home}/{Path(where).relative_to('home')}"
        for name in (inside, f"{inside}/hostname", f"{inside}/passwd"):
            with pytest.raises(SandboxFileMissingError):
                sandbox.open(name)
            with pytest.raises(SandboxError):
                sandbox.write(name, b"gotcha")

    def test_only_plain_files_are_opened(self, sandbox: LocalSandbox, tmp_path: Path) -> None:
        home = home_of(tmp_path / ".sandbox")
        os.mkfifo(home / "pipe")
        (home / "directory").mkdir()
        for name in ("pipe", "directory", "nothing"):
            with pytest.raises(SandboxFileMissingError):
                sandbox.open(f"{sandbox.home}/{name}")
        for outside in ("/etc/hostname", f"{sandbox.home}/../../x", "relative"):
            with pytest.raises(SandboxFileMissingError):
                sandbox.open(outside)

    def test_killing_it_ends_everything_it_ever_started(
        self, sandbox: LocalSandbox, tmp_path: Path
    ) -> None:
        mark = f"family-of-{tmp_path.name}"
        sandbox.start(self.python(sandbox, FAMILY.format(mark=mark)), {})
        wait_until(lambda: len(marked(mark)) >= 4)
        sandbox.kill()
        assert marked(mark) == []

    def test_discarding_it_leaves_nothing(self, sandbox: LocalSandbox, tmp_path: Path) -> None:
        program = (
            "import os\n"
            f"os.chdir({sandbox.home!r})\n"
            "os.makedirs('a/b/c'); open('a/b/c/file', 'w').close()\n"
            "os.symlink('/', 'root'); os.chmod('a/b', 0)"
        )
        sandbox.run(self.python(sandbox, program), timeout=20)
        sandbox.kill()
        sandbox.discard()
        assert list(tmp_path.iterdir()) == []

    def test_it_ends_with_the_process_that_made_it(
        self, provider: SandboxProvider, tmp_path: Path
    ) -> None:
        mark = f"orphan-of-{tmp_path.name}"
        kind = type(provider)
        program = f"""
import sys, time
from pathlib import Path
from {kind.__module__} import {kind.__name__}
from osiris.remote.sandbox import SandboxSpec
sandbox = {kind.__name__}().create(SandboxSpec("run_x", scratch=Path({str(tmp_path)!r})))
sandbox.start([sys.executable, "-c", {FAMILY.format(mark=mark)!r}], {{}})
time.sleep(600)
"""
        host = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
        wait_until(lambda: len(marked(mark)) >= 5)
        host.send_signal(signal.SIGKILL)
        host.wait()
        wait_until(lambda: marked(mark) == [])


class TestProcessSandbox(LocalSandboxContract):
    @pytest.fixture
    def provider(self) -> SandboxProvider:
        return ProcessSandboxProvider()


@pytest.mark.usefixtures("bubblewrap")
class TestBubblewrapSandbox(LocalSandboxContract):
    @pytest.fixture
    def provider(self) -> SandboxProvider:
        return BubblewrapSandboxProvider()


def test_a_sandbox_needs_a_place(tmp_path: Path) -> None:
    for provider in (ProcessSandboxProvider(), BubblewrapSandboxProvider()):
        with pytest.raises(SandboxError, match="scratch"):
            provider.create(SandboxSpec("run_x"))
    assert not list(tmp_path.iterdir())

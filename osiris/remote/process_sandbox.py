"""The plain subprocess as a sandbox: the whole machinery of one, and no isolation at all."""

import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from osiris.remote.errors import SandboxUnavailableError
from osiris.remote.local_process import LocalProcess
from osiris.remote.local_sandbox import LocalSandbox, home_of, made_directory
from osiris.remote.sandbox import SandboxSpec

_INIT = """\
import sys
sys.path.insert(0, sys.argv.pop(1))
from osiris.remote.process_init import main
main()
"""
_ENDING = 15.0


class _InitProcess(LocalProcess):
    """A `process_init` with what it started; it ends when its standard input does."""

    def kill(self) -> bool:
        """Let it end everything below it and then itself."""
        if self.popen.stdin is not None:
            with suppress(OSError):
                self.popen.stdin.close()
        try:
            code = self.popen.wait(_ENDING)
        except subprocess.TimeoutExpired:
            super().kill()
            return False
        return code == 0


class ProcessLauncher:
    """Runs commands as what they are."""

    def launch(self, argv: Sequence[str], env: Mapping[str, str]) -> LocalProcess:
        """Start a command."""
        return LocalProcess(argv, env)

    def launch_for_good(self, argv: Sequence[str], env: Mapping[str, str]) -> LocalProcess:
        """Start a command below a process that ends it when this one ends."""
        where = str(Path(__file__).parents[2])
        init = [sys.executable, "-I", "-S", "-c", _INIT, where]
        return _InitProcess([*init, *argv], env, quiet=True)

    def close(self) -> None:
        """Do nothing."""


class ProcessSandboxProvider:
    """Makes process sandboxes. Steps see this machine's files and network, and its user's home."""

    name = "process"
    shares_files = True

    def create(self, spec: SandboxSpec) -> LocalSandbox:
        """Make one in the spec's scratch directory; its limits are not kept."""
        if spec.scratch is None:
            raise SandboxUnavailableError("a sandbox on this machine needs a scratch directory")
        directory = made_directory(spec.scratch)
        name = f"process-{secrets.token_hex(4)}"
        return LocalSandbox(name, directory, str(home_of(directory)), ProcessLauncher())

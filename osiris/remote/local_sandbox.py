"""A sandbox on this machine: processes, and files in a directory of their own."""

import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from osiris.remote.errors import SandboxError, SandboxGoneError, SandboxUnreachableError
from osiris.remote.local_files import LocalFiles
from osiris.remote.local_process import Launcher, LocalProcess

_LOG = logging.getLogger("osiris.sandbox")
_CHUNK: Final = 256 * 1024


class LocalSandbox:
    """Keeps the port's promises with a launcher and a directory; see `Sandbox`, `SharesFiles`.

    Args:
        name: how records call it.
        directory: holds its files on this machine; must exist.
        home: path inside of the directory's part that is its home.
        launcher: runs commands in it.

    """

    def __init__(self, name: str, directory: Path, home: str, launcher: Launcher) -> None:
        self._name = name
        self._directory = directory
        self._home = home
        self._files = LocalFiles(home_of(directory), home)
        self._launcher = launcher
        self._lock = threading.Lock()
        self._started: list[LocalProcess] = []
        self._following: set[LocalProcess] = set()
        self._killed = False

    @property
    def id(self) -> str:
        """Its name."""
        return self._name

    @property
    def home(self) -> str:
        """Its home, as it is called inside."""
        return self._home

    @property
    def python(self) -> Sequence[str]:
        """The Python that runs this."""
        return (sys.executable,)

    def write(self, path: str, data: bytes | BinaryIO) -> None:
        """Put a file there."""
        self._check()
        self._files.write(path, data)

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Return a part of a file."""
        self._check()
        with self.open(path) as file:
            file.seek(offset)
            return file.read(length)

    def open(self, path: str) -> BinaryIO:
        """Open a file, whether the sandbox lives or not."""
        return self._files.open(path)

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run a command to its end."""
        process = self._launch(argv, env)
        try:
            out, err, code = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            raise SandboxError(
                f"{argv[0]} took longer than {timeout:g} s in {self._name}"
            ) from None
        if self._killed:
            self._check()
        if code:
            said = err.decode("utf-8", "replace").strip()[-2000:]
            raise SandboxError(f"{argv[0]} ended with exit code {code} in {self._name}: {said}")
        return out

    def start(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Start a command that goes on."""
        self._check()
        process = self._launcher.launch_for_good(argv, {**self._environment(), **env})
        with self._lock:
            self._started.append(process)

    def follow(self, argv: Sequence[str]) -> Iterator[bytes]:
        """Run a command and yield what it prints."""
        process = self._launch(argv)
        with self._lock:
            self._following.add(process)
        try:
            stream = process.popen.stdout
            while stream is not None:
                data = os.read(stream.fileno(), _CHUNK)
                if not data:
                    break
                yield data
            self._check_end(argv, process)
        finally:
            with self._lock:
                self._following.discard(process)
            process.kill()

    def interrupt(self) -> None:
        """End every `follow`."""
        with self._lock:
            following = list(self._following)
        for process in following:
            process.interrupt()

    def alive(self) -> bool:
        """Tell whether what was started still runs."""
        return not self._killed and all(process.lives() for process in self._started)

    def renew(self, ttl_seconds: int) -> None:
        """Do nothing: it lives as long as this process."""

    def kill(self) -> None:
        """End everything in it; raise `SandboxError` when something is left."""
        if self._killed:
            return
        self._killed = True
        self.interrupt()
        gone = [process.kill() for process in self._started]
        self._launcher.close()
        if not all(gone):
            raise SandboxError(
                f"not all processes in {self._name} could be ended",
                hint="they may wait for a disk or a device; look for them with `ps`",
            )

    def discard(self) -> None:
        """Remove its directory."""
        shutil.rmtree(self._directory, ignore_errors=True)
        if self._directory.exists():  # a step may have taken the rights from its own directories
            for parent, directories, _ in os.walk(self._directory):
                for name in directories:
                    with suppress(OSError):
                        Path(parent, name).chmod(0o700, follow_symlinks=False)
            shutil.rmtree(self._directory, ignore_errors=True)
        if self._directory.exists():
            _LOG.warning("%s could not be removed", self._directory)

    def _launch(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> LocalProcess:
        self._check()
        return self._launcher.launch(argv, {**self._environment(), **(env or {})})

    def _check(self) -> None:
        if self._killed:
            raise SandboxGoneError(f"{self._name} was killed")

    def _check_end(self, argv: Sequence[str], process: LocalProcess) -> None:
        """Raise when a followed command did not end well."""
        with suppress(subprocess.TimeoutExpired):
            process.popen.wait(1)
        if process.popen.returncode != 0:
            raise SandboxUnreachableError(
                f"{argv[0]} in {self._name} was cut: exit code {process.popen.returncode}"
            )

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.defpath))
        return {"PATH": path, "HOME": self._home}


def made_directory(scratch: Path) -> Path:
    """Make and return the directory of a sandbox's files below a scratch directory."""
    directory = scratch / ".sandbox"
    for part in (home_of(directory), directory / "tmp"):
        part.mkdir(parents=True, mode=0o700)
    return directory


def home_of(directory: Path) -> Path:
    """Return where a sandbox's home lies in its directory."""
    return directory / "home"

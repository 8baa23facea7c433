"""A process on this machine that is a sandbox, or runs in one."""

import os
import select
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

_SECONDS = 15.0


class LocalProcess:
    """A command with pipes for its output, in a session of its own.

    `stdin` is held open until the end: a command can tell by it that this process lives.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        pass_fds: Sequence[int] = (),
        quiet: bool = False,
    ) -> None:
        output = subprocess.DEVNULL if quiet else subprocess.PIPE
        self.popen = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )

    def lives(self) -> bool:
        """Tell whether the command runs."""
        return self.popen.poll() is None

    def communicate(self, stdin: bytes, timeout: float) -> tuple[bytes, bytes, int]:
        """Return what a short command prints, on both streams, and its exit code.

        Raises `subprocess.TimeoutExpired` for one that takes too long; it is ended.
        """
        try:
            out, err = self.popen.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self.close()
        return out, err, self.popen.returncode

    def interrupt(self) -> None:
        """End the command and its process group, so that its output ends; does not wait."""
        if self.popen.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.popen.pid, signal.SIGKILL)

    def kill(self) -> bool:
        """End the command and all that it started; tell whether nothing of it is left."""
        self.interrupt()
        return self.wait()

    def wait(self) -> bool:
        """Wait for the end, for so long as that can take; tell whether it came."""
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(_SECONDS)
        self.close()
        return self.popen.returncode is not None

    def close(self) -> None:
        """Close the pipes."""
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


class Launcher(Protocol):
    """How commands are run in one kind of sandbox on this machine."""

    def launch(self, argv: Sequence[str], env: Mapping[str, str]) -> LocalProcess:
        """Start a command that ends soon, or is ended."""

    def launch_for_good(self, argv: Sequence[str], env: Mapping[str, str]) -> LocalProcess:
        """Start a command that may go on in the background; killing it ends all it started."""

    def close(self) -> None:
        """Clean up, once everything has ended."""


def killed(pid: int) -> bool:
    """Kill a process of this machine by its id and wait for its end; tell whether it came.

    The process must be one that this process knows to be there, so that the id is still its own.
    """
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(fd, signal.SIGKILL)
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(_SECONDS * 1000))
    finally:
        os.close(fd)

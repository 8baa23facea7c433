"""A sandbox on this machine by bubblewrap: own processes, files and, mostly, no network."""

import json
import logging
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from typing import Final

from osiris.remote.bubblewrap_box import HOME, Box
from osiris.remote.control_group import ControlGroup, Resources
from osiris.remote.errors import SandboxUnavailableError
from osiris.remote.local_process import LocalProcess, killed
from osiris.remote.local_sandbox import LocalSandbox, made_directory
from osiris.remote.sandbox import SandboxSpec

_LOG = logging.getLogger("osiris.sandbox")
_PROGRAM: Final = "bwrap"
_SECONDS: Final = 10.0
_PIDS: Final = 1024
"""Processes and threads in a sandbox unless something else is asked for."""

_JOIN: Final = """\
data=$1 pids=$2 groups=$3; shift 3
[ -z "$data" ] || ulimit -d "$data" || exit 125
[ -z "$pids" ] || ulimit -u "$pids" 2>/dev/null || ulimit -p "$pids" || exit 125
for group in $groups; do echo 0 >"$group" || exit 125; done
exec "$@"
"""
_FOR_GOOD: Final = '"$@"; while :; do sleep 86400; done'
"""The namespace ends with its first command, so that one must not end."""

_HINT: Final = (
    "install it (`apt-get install bubblewrap`) and let users have namespaces of their own "
    "(`sysctl kernel.unprivileged_userns_clone=1`, "
    "`sysctl kernel.apparmor_restrict_unprivileged_userns=0`), "
    "or use --sandbox=process, which isolates nothing"
)


class _Bubblewrap(LocalProcess):
    """A bwrap with everything in its process namespace; returns from its making once that is there.

    Raises `SandboxUnavailableError` with what bwrap says when it cannot be made.
    """

    def __init__(
        self, argv: Sequence[str], env: Mapping[str, str], info: int, pass_fds: Sequence[int]
    ) -> None:
        super().__init__(argv, env, pass_fds=pass_fds)
        for fd in pass_fds:
            os.close(fd)
        with os.fdopen(info, "rb") as told:
            self._first = _child_pid(told.read())
        if self._first is None:
            _, err, code = self.communicate(b"", _SECONDS)
            said = err.decode("utf-8", "replace").strip() or f"exit code {code}"
            raise SandboxUnavailableError(f"bubblewrap does not run here: {said}", hint=_HINT)

    def kill(self) -> bool:
        """End the first process inside, and with it the namespace."""
        first = self._first
        gone = first is None or _parent(first) != self.popen.pid or killed(first)
        self.interrupt()
        return self.wait() and gone


class BubblewrapLauncher:
    """Runs each command in namespaces of its own over the same files."""

    def __init__(self, program: str, box: Box, group: ControlGroup, resources: Resources) -> None:
        self._box = box
        self._group = group
        data, pids = resources.memory_bytes, resources.pids
        self._join = [
            *("/bin/sh", "-c", _JOIN, "sh"),
            "" if data is None or "memory" in group.limited else str(data // 1024),
            "" if pids is None or "pids" in group.limited else str(pids),
            " ".join(map(str, group.entrances)),
            program,
        ]

    def launch(self, argv: Sequence[str], env: Mapping[str, str]) -> LocalProcess:
        """Start a command."""
        arguments = os.memfd_create("bwrap")
        info, its_info = os.pipe()
        told = "".join(f"{argument}\0" for argument in self._box.arguments())
        os.write(arguments, told.encode("utf-8", "surrogateescape"))
        os.lseek(arguments, 0, os.SEEK_SET)
        options = ["--args", str(arguments), "--info-fd", str(its_info), "--"]
        return _Bubblewrap([*self._join, *options, *argv], env, info, (arguments, its_info))

    def launch_for_good(self, argv: Sequence[str], env: Mapping[str, str]) -> LocalProcess:
        """Start a command in a namespace that goes on when it ends."""
        return self.launch(["/bin/sh", "-c", _FOR_GOOD, "sh", *argv], env)

    def close(self) -> None:
        """Remove the control groups."""
        self._group.close()


class BubblewrapSandboxProvider:
    """Makes bubblewrap sandboxes: a read-only system, own processes, no network unless needed.

    That bubblewrap cannot run here shows with the first command.
    """

    name = "sandbox"
    shares_files = True

    def create(self, spec: SandboxSpec) -> LocalSandbox:
        """Make one in the spec's scratch directory."""
        program = shutil.which(_PROGRAM)
        if program is None:
            raise SandboxUnavailableError("bubblewrap is not installed", hint=_HINT)
        if spec.scratch is None:
            raise SandboxUnavailableError("a sandbox on this machine needs a scratch directory")
        name = f"bubblewrap-{secrets.token_hex(4)}"
        pids = _PIDS if spec.pids is None else spec.pids
        resources = Resources(spec.memory_bytes, pids, spec.cpus)
        group = ControlGroup.make(f"osiris-{name}", resources)
        directory = made_directory(spec.scratch)
        box = Box(directory, spec.reads, spec.project, bool(spec.hosts), group.memory)
        launcher = BubblewrapLauncher(program, box, group, resources)
        if "memory" not in group.limited and spec.memory_bytes is not None:
            _LOG.info("no control group may be made: memory is limited by RLIMIT_DATA instead")
        return LocalSandbox(name, directory, HOME, launcher)


def _child_pid(told: bytes) -> int | None:
    """Return the id, here, of the first process inside, from what bwrap tells of it."""
    try:
        pid = json.loads(told)["child-pid"]
    except (ValueError, KeyError):
        return None
    return pid if isinstance(pid, int) else None


def _parent(pid: int) -> int | None:
    """Return the parent of a process, or None when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - as short as it gets
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, ValueError):
        return None

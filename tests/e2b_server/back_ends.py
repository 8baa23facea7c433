"""What a test sandbox is made of: a plain process tree, or bubblewrap."""

import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

AGENT = Path(__file__).with_name("agent.py")
HOME = "/home/user"


@dataclass(frozen=True)
class Box:
    """Where one sandbox keeps its files on this machine, and what it may do."""

    root: Path
    internet: bool = True
    readable: tuple[Path, ...] = ()

    def made(self) -> "Box":
        """Create the directories; return self."""
        for part in (HOME, "/tmp"):
            (self.root / part.lstrip("/")).mkdir(parents=True)
        return self


class BackEnd(Protocol):
    """One way of isolating (or not)."""

    def agent_command(self, box: Box, fd: int) -> list[str]:
        """Return the command line that starts the sandbox's first process."""

    def home(self, box: Box) -> str:
        """Return the user's home as the sandbox's processes see it."""

    def host_path(self, box: Box, path: str) -> Path:
        """Return where an absolute path of the sandbox lies here; raises `PermissionError`."""


class PlainBackEnd:
    """No isolation: processes of this user, files in a directory. Fast, and works anywhere."""

    def agent_command(self, box: Box, fd: int) -> list[str]:  # noqa: ARG002 - the protocol's signature
        """Start the agent as it is."""
        return [sys.executable, "-S", "-E", str(AGENT), str(fd)]

    def home(self, box: Box) -> str:
        """Return the directory below the box's root."""
        return str(box.root) + HOME

    def host_path(self, box: Box, path: str) -> Path:
        """Allow paths below the box's root; `/home/user` is understood as its home."""
        if PurePosixPath(path).is_relative_to(HOME):
            path = str(box.root) + path
        if not PurePosixPath(path).is_relative_to(box.root):
            raise PermissionError(path)
        return Path(path)


class BubblewrapBackEnd:
    """A real `/home/user`, own processes, and no network when internet access is off."""

    def agent_command(self, box: Box, fd: int) -> list[str]:
        """Start the agent as process 1 of new namespaces over a read-only system."""
        command = ["bwrap", "--die-with-parent", "--as-pid-1", "--unshare-user"]
        command += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "sandbox"]
        command += ["--uid", "1000", "--gid", "1000", "--clearenv"]
        if not box.internet:
            command += ["--unshare-net"]
        for path in ("/usr", "/etc"):
            command += ["--ro-bind", path, path]
        for name in ("bin", "sbin", "lib", "lib64"):
            link = Path("/", name)
            if link.is_symlink():
                command += ["--symlink", str(link.readlink()), str(link)]
        command += ["--proc", "/proc", "--dev", "/dev", "--ro-bind", str(AGENT), "/agent.py"]
        for inside in (HOME, "/tmp"):
            command += ["--bind", str(box.root) + inside, inside]
        for path in sorted(map(str, box.readable)):  # some of it may be below /tmp
            command += ["--ro-bind", path, path]
        return [*command, "/usr/bin/python3", "-S", "-E", "/agent.py", str(fd)]

    def home(self, box: Box) -> str:  # noqa: ARG002 - the protocol's signature
        """Return the real thing."""
        return HOME

    def host_path(self, box: Box, path: str) -> Path:
        """Map the two writable places; everything else is the read-only system."""
        if any(PurePosixPath(path).is_relative_to(inside) for inside in (HOME, "/tmp")):
            return box.root / path.lstrip("/")
        raise PermissionError(path)

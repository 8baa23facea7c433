"""What a bubblewrap sandbox sees: bwrap's arguments, from what is to be shown.

Source: bwrap(1).
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from osiris.remote.local_sandbox import home_of

HOME: Final = "/home/user"
_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
_SETTINGS: Final = (
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "gai.conf",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
    "timezone",
)
"""What is shown of /etc: nothing that holds a secret, even when root's own rights read it."""

_USERS: Final = "user:x:1000:1000::/home/user:/bin/sh\n"
_GROUPS: Final = "user:x:1000:\n"


@dataclass(frozen=True)
class Box:
    """One sandbox.

    Attributes:
        directory: holds its files on this machine.
        reads: paths of this machine that are shown, read-only, where they are.
        project: directory that exists inside, or None.
        network: whether this machine's network is its own.
        memory: (directory here, path inside) of the group that counts its memory, or None.

    """

    directory: Path
    reads: tuple[Path, ...]
    project: Path | None
    network: bool
    memory: tuple[Path, Path] | None = None

    def arguments(self) -> list[str]:
        """Return bwrap's arguments, the command not included."""
        home, temporary = home_of(self.directory), self.directory / "tmp"
        shown = [argument for path in self._shown() for argument in ro_bind(path)]
        return [
            *("--die-with-parent", "--unshare-user", "--unshare-pid", "--unshare-ipc"),
            *("--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox"),
            *("--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"),
            *(() if self.network else ("--unshare-net",)),
            *_system(),
            *("--proc", "/proc", "--dev", "/dev"),
            *self._accounts(),
            *("--bind", str(temporary), "/tmp", "--bind", str(home), HOME),  # noqa: S108 - the sandbox's own
            *shown,
            *(("--dir", str(self.project)) if self.project else ()),
            *self._memory(),
            *("--remount-ro", "/", "--chdir", HOME),
        ]

    def _shown(self) -> Iterator[Path]:
        """Yield what is not part of the system, outer directories before inner ones."""
        system = [Path(path) for path in _SYSTEM]
        for path in sorted({*interpreter_paths(), *self.reads}):
            if not any(path.is_relative_to(other) for other in system):
                yield path

    def _accounts(self) -> list[str]:
        found = []
        for name, text in (("passwd", _USERS), ("group", _GROUPS)):
            file = self.directory / name
            if not file.exists():
                file.write_text(text, "ascii")
            found += ["--ro-bind", str(file), f"/etc/{name}"]
        return found

    def _memory(self) -> list[str]:
        return ["--ro-bind", *map(str, self.memory)] if self.memory else []


def interpreter_paths() -> Iterator[Path]:
    """Yield the directories of the running Python; a home directory is never one as a whole."""
    home = Path(os.path.expanduser("~")).resolve()  # noqa: PTH111 - pathlib raises where there is none
    for prefix in sorted({sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}):
        directory = Path(prefix)
        if home.is_relative_to(directory.resolve()):
            inside = ("bin", "lib", "lib64", "pyvenv.cfg")
            yield from (directory / name for name in inside if (directory / name).exists())
        else:
            yield directory


def ro_bind(path: Path) -> list[str]:
    """Return the arguments that show a path where it is."""
    return ["--ro-bind-try", str(path), str(path)]


def _system() -> list[str]:
    """Return the arguments that show the system's programs, libraries and harmless settings."""
    found = []
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            found += ["--symlink", str(path.readlink()), name]
        elif path.is_dir():
            found += ["--ro-bind", name, name]
    for name in _SETTINGS:
        path = Path("/etc", name)
        if path.exists():
            found += ["--ro-bind-try", str(path.resolve()), str(path)]
    return found

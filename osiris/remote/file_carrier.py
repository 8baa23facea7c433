"""Carrying one file out of a sandbox: linked where it lies on this machine, else in parts."""

import hashlib
import os
import stat
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from osiris.core.atomic_file import AtomicFile, write_error
from osiris.core.errors import DiskFullError
from osiris.remote.errors import HostileSandboxError, SandboxError
from osiris.remote.patience import Patience
from osiris.remote.sandbox import Sandbox, SharesFiles
from osiris.remote.session_paths import SessionPaths

_PART: Final = 8 * 1024 * 1024
_AHEAD: Final = 4
_CHUNK: Final = 1024 * 1024


class FileCarrier(Protocol):
    """Brings files of a session's directory here."""

    def carry(self, path: str, target: Path, size: int, sha256: str) -> None:
        """Put the file at `path` (relative to the session's directory) at `target`, checked.

        Nothing is at `target` before all of it is right. Raises `HostileSandboxError` for a file
        that is not what was told, `DiskFullError`, or what the sandbox raises.
        """

    def stop(self, error: SandboxError) -> None:
        """Let every call fail with `error`, soon: the sandbox is lost, or the run over."""


class LinkCarrier:
    """Takes files that lie on this machine without copying them, where that is possible.

    Only for a sandbox in which nothing runs any more: what is linked must not change again.
    """

    def __init__(self, sandbox: SharesFiles, paths: SessionPaths) -> None:
        self._sandbox = sandbox
        self._paths = paths
        self._umask = _umask()

    def stop(self, error: SandboxError) -> None:
        """Do nothing: the files are here, whatever happened to the processes."""

    def carry(self, path: str, target: Path, size: int, sha256: str) -> None:
        """Link the file, then check it, then rename it into place."""
        with self._sandbox.open(str(self._paths.root / path)) as file:
            status = os.fstat(file.fileno())
            if status.st_size != size:
                raise _different(path, f"{status.st_size} bytes, not {size}")
            seen = _digest(file)
            if seen != sha256:
                raise _different(path, f"SHA-256 {seen}")
            os.fchmod(file.fileno(), 0o666 & ~self._umask)
            if not _linked(file, target):
                _copied(file, target)


class PartsCarrier:
    """Downloads files in parts, several at once, each tried again when the way to it is cut."""

    def __init__(self, sandbox: Sandbox, paths: SessionPaths, patience: Patience) -> None:
        self._sandbox = sandbox
        self._paths = paths
        self._patience = patience
        self._lost: SandboxError | None = None

    def stop(self, error: SandboxError) -> None:
        """Let every part that is not on its way yet fail with `error`."""
        self._lost = error

    def carry(self, path: str, target: Path, size: int, sha256: str) -> None:
        """Download the file."""
        self._check()
        _check_space(target, size)
        inside = str(self._paths.root / path)
        with AtomicFile(target) as file:
            for part in self._parts(inside, size):
                file.write(part)
            if file.bytes != size or file.sha256 != sha256:
                raise _different(path, f"{file.bytes} bytes, SHA-256 {file.sha256}")

    def _check(self) -> None:
        if self._lost is not None:
            raise self._lost

    def _parts(self, inside: str, size: int) -> Iterator[bytes]:
        """Yield the parts in order; a few are on their way meanwhile."""
        offsets = iter(range(0, size, _PART))
        coming: deque[Future[bytes]] = deque()
        with ThreadPoolExecutor(_AHEAD, "parts") as pool:
            try:
                while True:
                    for offset in offsets:
                        length = min(_PART, size - offset)
                        coming.append(pool.submit(self._part, inside, offset, length))
                        if len(coming) > _AHEAD:
                            break
                    if not coming:
                        return
                    yield coming.popleft().result()
            finally:
                for future in coming:
                    future.cancel()

    def _part(self, inside: str, offset: int, length: int) -> bytes:
        """Return one part, whole; a sandbox may hand out less than it was asked for."""
        found = bytearray()
        while len(found) < length:
            self._check()
            start, left = offset + len(found), length - len(found)
            piece = self._patience.tries(lambda: self._sandbox.read(inside, start, left))  # noqa: B023 - called at once
            if not piece:
                break
            found += piece[:left]
        return bytes(found)


def _check_space(target: Path, size: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    disk = os.statvfs(target.parent)
    free = disk.f_bavail * disk.f_frsize
    if size > free:
        raise DiskFullError(
            f"cannot write {target}: it has {size} bytes and {free} are free",
            hint="free some space, or run in a project on another file system",
        )


def _linked(file: BinaryIO, target: Path) -> bool:
    """Put a hard link to an open file at `target` in one step; tell whether that was possible."""
    beside = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Without a directory's descriptor, which is not used here, CPython forgets to follow.
        number = file.fileno()
        os.link(f"/proc/self/fd/{number}", beside, src_dir_fd=number, follow_symlinks=True)
    except OSError:
        return False
    try:
        beside.replace(target)
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        beside.unlink(missing_ok=True)
    return True


def _copied(file: BinaryIO, target: Path) -> None:
    file.seek(0)
    with AtomicFile(target) as copy:
        while piece := file.read(_CHUNK):
            copy.write(piece)


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while piece := file.read(_CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def _different(path: str, what: str) -> HostileSandboxError:
    return HostileSandboxError(
        f"{path} is not the file that the step told of: it has {what}",
        hint="something in the sandbox changed it, or it was damaged on the way; it was not kept",
    )


def _umask() -> int:
    """Return the mode bits that new files of this process do not get (`/proc/self/status`)."""
    for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return stat.S_IWGRP | stat.S_IWOTH

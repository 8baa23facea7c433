"""Files in a directory that somebody else may fill with links: none is followed out of it."""

import errno
import os
import stat
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from osiris.remote.errors import SandboxError, SandboxFileMissingError, SandboxFullError

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


class LocalFiles:
    """The files of a sandbox that lie below a directory of this machine.

    Args:
        root: the directory here.
        inside: its path inside the sandbox.

    """

    def __init__(self, root: Path, inside: str) -> None:
        self._root = root
        self._inside = PurePosixPath(inside)

    def open(self, path: str) -> BinaryIO:
        """Open a plain file for reading; raise `SandboxFileMissingError` for anything else."""
        try:
            return os.fdopen(self._opened(path, os.O_RDONLY, make=False), "rb")
        except OSError as error:
            raise SandboxFileMissingError(f"{path}: {error.strerror or error}") from error

    def write(self, path: str, data: bytes | BinaryIO) -> None:
        """Write a file, its directories included."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            with os.fdopen(self._opened(path, flags, make=True), "wb") as file:
                if isinstance(data, bytes):
                    file.write(data)
                else:
                    while piece := data.read(1024 * 1024):
                        file.write(piece)
        except OSError as error:
            kind = SandboxFullError if error.errno in _FULL else SandboxError
            raise kind(f"cannot write {path}: {error.strerror or error}") from error

    def _opened(self, path: str, flags: int, *, make: bool) -> int:
        """Open a plain file, one directory after the other; raise OSError."""
        plain = PurePosixPath(path)
        if not plain.is_relative_to(self._inside) or ".." in plain.parts:
            raise PermissionError(errno.EACCES, f"not below {self._inside}")
        *directories, name = plain.relative_to(self._inside).parts
        with ExitStack() as stack:
            directory = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, directory)
            for part in directories:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o755, dir_fd=directory)
                directory = os.open(part, _DIRECTORY, dir_fd=directory)
                stack.callback(os.close, directory)
            return _plain_file(name, flags, directory)


def _plain_file(name: str, flags: int, directory: int) -> int:
    fd = os.open(name, flags | _FILE, 0o644, dir_fd=directory)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, "not a plain file")

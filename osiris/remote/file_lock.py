"""A lock on a whole file that DuckDB heeds, for its own locks are of this kind.

Source: fcntl(2), "Open file description locks". Unlike a process's locks they are not lost when the
process closes the file elsewhere.
"""

import errno
import fcntl
import os
import struct
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from osiris.core.cancel import CancelToken

_HELD: Final = {errno.EAGAIN, errno.EACCES}
_PAUSE: Final = 0.1
"""Seconds between two tries."""


class FileInUseError(Exception):
    """Another program has the file open in a way that excludes this one."""


@contextmanager
def locked(
    path: Path, *, writing: bool, patience: float, cancelled: CancelToken
) -> Generator[BinaryIO]:
    """Open a file and keep others from writing it within the block; with `writing`, from it at all.

    Waits up to `patience` seconds. Where the file system has no locks, neither has DuckDB, and
    none is taken. Raises `OSError` or `FileInUseError`.
    """
    flags = os.O_RDWR if writing else os.O_RDONLY
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "r+b" if writing else "rb", buffering=0) as file:
        end = time.monotonic() + patience
        while not _taken(descriptor, fcntl.F_WRLCK if writing else fcntl.F_RDLCK):
            if cancelled.is_set() or time.monotonic() > end:
                raise FileInUseError(f"another program has {path} open")
            cancelled.wait(_PAUSE)
        yield file


def _taken(descriptor: int, kind: int) -> bool:
    """Try to take a lock; tell whether there is now nothing to wait for."""
    whole = struct.pack("hhqqi4x", kind, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, whole)
    except OSError as error:
        return error.errno not in _HELD
    return True

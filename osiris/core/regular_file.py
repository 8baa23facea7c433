"""Reading a file that may be anything: a device, a pipe, a directory, a gigabyte of nothing."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


class UnusableFileError(Exception):
    """A file that is there and cannot be used; the text says why."""


def open_regular_file(path: Path, *, follow: bool = True) -> BinaryIO:
    """Open a regular file for reading; never waits for a pipe.

    Without `follow` a symbolic link is no regular file. Raises `FileNotFoundError` when nothing
    is there and `UnusableFileError` for everything else.
    """
    links = 0 if follow else os.O_NOFOLLOW
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | links)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UnusableFileError(getattr(error, "strerror", None) or str(error)) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return open(descriptor, "rb")  # noqa: PTH123 - a descriptor, not a path
    os.close(descriptor)
    raise UnusableFileError("it is not a regular file")


def read_regular_file(path: Path, *, limit: int) -> bytes:
    """Return the contents of a regular file of at most `limit` bytes.

    Raises what `open_regular_file` raises, and `UnusableFileError` for a larger file.
    """
    try:
        with open_regular_file(path) as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnusableFileError(error.strerror or str(error)) from error
    if len(data) > limit:
        raise UnusableFileError(f"it has more than {limit} bytes")
    return data

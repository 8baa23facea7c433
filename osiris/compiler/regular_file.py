"""Reading a file that may be anything: a device, a pipe, a directory, a gigabyte of nothing."""

import os
import stat
from pathlib import Path


class UnusableFileError(Exception):
    """A file that is there and cannot be used; the text says why."""


def read_regular_file(path: Path, *, limit: int) -> bytes:
    """Return the contents of a regular file of at most `limit` bytes.

    Never waits for a pipe. Raises `FileNotFoundError` when nothing is there and
    `UnusableFileError` for everything else.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnusableFileError("it is not a regular file")
            data = file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise UnusableFileError(reason) from error
    if len(data) > limit:
        raise UnusableFileError(f"it has more than {limit} bytes")
    return data

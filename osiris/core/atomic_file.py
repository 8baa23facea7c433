"""Files that are complete or not there: written beside, fsynced, renamed."""

import errno
import hashlib
import os
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from osiris.core.errors import DiskFullError, StepError, SystemStepError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_error(path: Path, error: OSError) -> StepError:
    """Return the Osiris error for an operating system error while writing `path`."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return DiskFullError(
            f"cannot write {path}: {reason}",
            hint="free some space, or write to another file system; nothing was left half written",
        )
    return SystemStepError(f"cannot write {path}: {reason}", hint="check the path and its rights")


class AtomicFile:
    """A writable binary file that appears at `path` only when it is complete.

    Writes go to `<path>.part`. Leaving the `with` block normally fsyncs and renames; leaving it by
    an exception removes the part. `bytes` and `sha256` describe what was written.

    Raises `DiskFullError` or `SystemStepError` for what the operating system refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self.bytes = 0
        self._sha256 = hashlib.sha256()
        self._file: FileIO | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes written so far, in hex."""
        return self._sha256.hexdigest()

    def __enter__(self) -> Self:
        """Open the part file."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = FileIO(self.part, "w")
        except OSError as error:
            raise write_error(self.path, error) from error
        return self

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data` and return its length in bytes."""
        if self._file is None:
            msg = f"{self.path} is not open"
            raise ValueError(msg)
        view = memoryview(data).cast("B")
        self._sha256.update(view)
        try:
            written = 0
            while written < len(view):
                written += self._file.write(view[written:])
        except OSError as error:
            raise write_error(self.path, error) from error
        self.bytes += len(view)
        return len(view)

    def flush(self) -> None:
        """Do nothing: writes are not buffered here."""

    def writable(self) -> bool:
        """Tell that the file can be written (for `io` wrappers)."""
        return True

    def readable(self) -> bool:
        """Tell that the file cannot be read (for `io` wrappers)."""
        return False

    def seekable(self) -> bool:
        """Tell that the file cannot be positioned (for `io` wrappers)."""
        return False

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._file is None

    def close(self) -> None:
        """Do nothing: leaving the `with` block closes."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Complete the file, or remove what was written of it."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            if kind is None:
                os.fsync(file.fileno())
            file.close()
            if kind is None:
                self.part.replace(self.path)
        except OSError as failure:
            raise write_error(self.path, failure) from failure
        finally:
            self.part.unlink(missing_ok=True)


def replace_bytes(path: Path, data: bytes) -> None:
    """Put `data` at `path` in one atomic step; raise `DiskFullError` or `SystemStepError`."""
    with AtomicFile(path) as file:
        file.write(data)

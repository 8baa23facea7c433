"""What this process and its children write to descriptors 1 and 2, once it is all a run's.

For a process that does nothing but a run. The descriptors are not given back: a thread that a
driver left behind must not write into the results. Who owns the process speaks through copies.
"""

import ctypes
import fcntl
import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

_DESCRIPTORS: Final = {"stdout": 1, "stderr": 2}
_EVERY: Final = 0.05
_PATIENCE: Final = 1.0
_CHUNK: Final = 1024 * 1024
_PUNCH_HOLE: Final = 2 | 1
"""FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, see fallocate(2)."""

Take = Callable[[str, bytes], None]


@contextmanager
def process_output(take: Take) -> Iterator[None]:
    """Hand on to `take`, by the stream's name, what is written from now to the end."""
    for name, number in _DESCRIPTORS.items():
        _prepare_stream(name, number)
    files = [_Collector(name, number) for name, number in _DESCRIPTORS.items()]
    ended = threading.Event()
    reader = threading.Thread(target=_read, args=(files, take, ended), name="output", daemon=True)
    reader.start()
    try:
        yield
    finally:
        _flush()
        for number in _DESCRIPTORS.values():
            _point_to_nowhere(number)
        for file in files:
            file.finish()
        ended.set()
        reader.join()


def _read(files: list["_Collector"], take: Take, ended: threading.Event) -> None:
    """Read all files now and then until the end."""
    while True:
        last = ended.wait(_EVERY)
        for file in files:
            for data in file.read():
                take(file.name, data)
        if last:
            break
    for file in files:
        file.close()


class _Collector:
    """Stands behind a descriptor: a pipe that `cat` empties into a file in memory.

    A pipe, because a file would lose what it has whenever a child opens /dev/stdout to write. But
    not one that this process empties: when a pipe is full, who prints waits for who reads, which
    is for ever when it holds the interpreter's lock meanwhile, as code in C may.
    """

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self._fd = os.memfd_create(f"osiris {name}")
        fcntl.fcntl(self._fd, fcntl.F_SETFL, os.O_APPEND)
        self._position = self._forgotten = 0
        self._cat = self._start(number)

    def _start(self, number: int) -> "subprocess.Popen[bytes] | None":
        """Point the descriptor to a new pipe and start what empties it."""
        end, its_end = os.pipe()
        try:
            # In a session of its own: what stops the run must not stop this.
            cat = subprocess.Popen(
                ["cat"],  # noqa: S607 - wherever it is
                stdin=end,
                stdout=self._fd,
                start_new_session=True,
            )
        except OSError:  # there is none: then the file itself has to do
            os.dup2(self._fd, number)
            return None
        else:
            os.dup2(its_end, number)
            return cat
        finally:
            os.close(end)
            os.close(its_end)

    def finish(self) -> None:
        """Wait until all is in the file that was printed; not for children that still run."""
        if self._cat is not None:
            try:
                self._cat.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._cat.kill()
                self._cat.wait()

    def read(self) -> Iterator[bytes]:
        """Yield what was written since."""
        end = os.fstat(self._fd).st_size
        while self._position < end and (data := os.pread(self._fd, _CHUNK, self._position)):
            self._position += len(data)
            self._forget()
            yield data

    def _forget(self) -> None:
        """Give back the memory of what was read."""
        size = (self._position - self._forgotten) // _CHUNK * _CHUNK
        if size:
            long = ctypes.c_longlong
            _libc().fallocate(self._fd, _PUNCH_HOLE, long(self._forgotten), long(size))
            self._forgotten += size

    def close(self) -> None:
        """Forget the file; children that still write to it write to nobody."""
        os.close(self._fd)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _prepare_stream(name: str, number: int) -> None:
    """See that Python's stream is there and holds no finished line back."""
    stream = getattr(sys, name)
    if stream is None:  # the process was started with it closed
        setattr(sys, name, os.fdopen(number, "w", buffering=1, closefd=False))
    elif isinstance(stream, io.TextIOWrapper):
        with suppress(OSError, ValueError):
            stream.reconfigure(line_buffering=True)


def _flush() -> None:
    """Write out what Python and C hold back."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    libc = _libc()
    # Not all streams at once: that would wait for a thread which waits for input.
    libc.fflush(ctypes.c_void_p.in_dll(libc, "stdout"))


def _point_to_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)

"""A child process with pipes: what it records, what it prints, how it is told to stop.

Standard library only: the runner uses it before anything is installed.
"""

import io
import os
import selectors
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from osiris.core.output_log import OutputLog
from osiris.remote.rpc_protocol import MAX_RECORD, ProtocolError, json_object

TICK: Final = 0.1
_CHUNK: Final = 256 * 1024
_KINDS: Final = {"event", "log", "metric", "progress", "response"}
_TOO_LONG: Final = b"(a record that is too long was dropped)\n"
_STREAMS: Final = ("stdout", "stderr")

TakeRecord = Callable[[bytes, dict[str, Any]], None]


class Started(Protocol):
    """A child that was started: `poll` returns how it ended, or None while it has not."""

    pid: int

    def poll(self) -> int | None:
        """Return the exit code, a signal's number below zero, or None."""


Start = Callable[[int, int], Started]
"""Starts a child whose stdout and stderr are the two pipes."""


class RecordLines:
    """Cuts what the worker writes into records; what is none is handed to `garbage`."""

    def __init__(self, take: TakeRecord, garbage: Callable[[bytes], None]) -> None:
        self._take = take
        self._garbage = garbage
        self._buffer = bytearray()
        self._skipping = False

    def feed(self, data: bytes) -> None:
        """Take bytes as they come."""
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = rest
        for line in lines:
            if self._skipping:
                self._skipping = False
            else:
                self._line(bytes(line))
        if len(rest) > MAX_RECORD:
            self._buffer.clear()
            self._skipping = True
            self._garbage(_TOO_LONG)

    def _line(self, line: bytes) -> None:
        try:
            record = json_object(line)
        except ProtocolError:
            self._garbage(line[:1000] + b"\n")
            return
        sound = record.keys() == {"ts", "type", "data"} and record["type"] in _KINDS
        if not sound or not isinstance(record["data"], dict) or len(line) > MAX_RECORD:
            self._garbage(line[:1000] + b"\n")
        else:
            self._take(line, record)


class ChildProcess:
    """A process in a session of its own, served by the thread that started it.

    Args:
        take_line: called with each line that it prints, as a log record.
        output: makes the log of a stream by its name.

    """

    def __init__(
        self, take_line: Callable[[dict[str, Any]], None], output: Callable[[str], OutputLog]
    ) -> None:
        self._take_line = take_line
        self._selector = selectors.EpollSelector()
        self._logs = {name: output(name) for name in _STREAMS}
        self._control: int | None = None
        self._fds: list[int] = []
        self._child: Started | None = None

    def record_pipes(self, take: TakeRecord) -> tuple[int, int]:
        """Make the pipes for records and for control; return the child's ends."""
        records, its_records = os.pipe()
        its_control, self._control = os.pipe()
        self._fds += [records, self._control]
        lines = RecordLines(take, partial(self._print, "stderr"))
        self._watch(records, lines.feed)
        return its_records, its_control

    def start(self, start: Start, its_pipes: Sequence[int] = ()) -> None:
        """Start the child; `its_pipes` are its own once it runs."""
        outputs = [os.pipe() for _ in _STREAMS]
        for name, (stream, _) in zip(_STREAMS, outputs, strict=True):
            self._fds.append(stream)
            self._watch(stream, partial(self._print, name))
        self._child = start(*(its for _, its in outputs))
        for pipe in (*its_pipes, *(its for _, its in outputs)):
            os.close(pipe)
        with suppress(OSError, AttributeError):  # without it the end is noticed at the next tick
            end = os.pidfd_open(self._child.pid)
            self._fds.append(end)
            self._selector.register(end, selectors.EVENT_READ)

    def descriptors(self) -> list[int]:
        """Return the descriptors that must not be open in the child."""
        return [*self._fds, self._selector.fileno()]

    def attend(self, tick: Callable[[], None]) -> int:
        """Serve its pipes, calling `tick` in between, until it has ended; return how it did.

        A negative number is the signal that ended it.
        """
        while True:
            code = self._child.poll() if self._child is not None else 0
            if code is not None:
                return code
            self._serve(TICK)
            tick()

    def close(self) -> None:
        """Read what is left in the pipes and close them; nobody may write to them any more."""
        while self._serve(0):
            pass
        for log in self._logs.values():
            self._take_lines(log.finish())
        for fd in self._fds:
            os.close(fd)
        self._selector.close()

    def ask_to_stop(self) -> None:
        """Tell it to stop by itself."""
        if self._control is not None:
            with suppress(OSError):
                os.write(self._control, b"stop\n")

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to its process group."""
        if self._child is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)

    def _watch(self, fd: int, take: Callable[[bytes], None]) -> None:
        os.set_blocking(fd, False)
        self._selector.register(fd, selectors.EVENT_READ, take)

    def _serve(self, timeout: float) -> bool:
        """Read what is there; tell whether anything was."""
        progress = False
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                continue  # the process has ended
            try:
                data = os.read(key.fd, _CHUNK)
            except BlockingIOError:
                continue
            if data:
                progress = True
                key.data(data)
            else:
                self._selector.unregister(key.fd)
        return progress

    def _print(self, name: str, data: bytes) -> None:
        self._take_lines(self._logs[name].feed(data))

    def _take_lines(self, lines: Iterator[dict[str, Any]]) -> None:
        for line in lines:
            self._take_line(line)


def program(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Start:
    """Return what starts a program."""

    def start(stdout: int, stderr: int) -> Started:
        return subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )

    return start


def fork(work: Callable[[], None], drop: Callable[[], Iterable[int]], cwd: Path) -> Start:
    """Return what starts a function in a copy of this process, which must have one thread.

    What this process has imported need not be imported again. The copy closes the descriptors that
    `drop` gives: those that are this process's alone.
    """

    def start(stdout: int, stderr: int) -> Started:
        pid = os.fork()
        if pid:
            return _Forked(pid)
        try:
            _become_worker(stdout, stderr, drop(), cwd)
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - the end of a process: what is raised is printed
            traceback.print_exc()
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    return start


def _become_worker(stdout: int, stderr: int, drop: Iterable[int], cwd: Path) -> None:
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    if isinstance(sys.stdout, io.TextIOWrapper):  # what is printed must outlive a crash
        sys.stdout.reconfigure(line_buffering=True)
    for fd in (stdout, stderr, *drop):
        os.close(fd)
    os.chdir(cwd)


class _Forked:
    """A copy of this process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, or None."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

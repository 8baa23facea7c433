"""Logging in through libpq, a wait at a time, so that it can be stopped and says why it failed.

libpq tells why a log-in failed as text only, in the server's language. What the server really said
is in libpq's trace of the messages, so every log-in is traced into memory.
"""

import os
import re
import select
import time
from typing import Final

from psycopg.conninfo import make_conninfo
from psycopg.pq import ConnStatus, PGconn, PollingStatus, Trace, abc

from osiris.core.cancel import CancelToken

_SLICE_SECONDS: Final = 0.1
_TRACE_BYTES: Final = 1 << 20
# A line of the trace: who sent it (B: the server), its size, its name, its fields.
_ERROR: Final = re.compile(
    r'^B\t\d+\tErrorResponse\t.*? C "(.{5})" M "(.*?)" (?=[A-Za-z] "|\\x00)',
    re.MULTILINE | re.DOTALL,
)


class LoginFailure(Exception):  # noqa: N818 - it is what happened; a step's error is made of it
    """Why a log-in failed.

    Attributes:
        sqlstate: the code of the server's error, empty when the server sent none.
        text: the server's message, or libpq's.
        phase: what libpq was doing.
        timed_out: whether the time was up.

    """

    def __init__(
        self, phase: ConnStatus, text: str = "", sqlstate: str = "", *, timed_out: bool = False
    ) -> None:
        super().__init__(text)
        self.sqlstate = sqlstate
        self.text = text
        self.phase = phase
        self.timed_out = timed_out


def log_in(parameters: dict[str, str], seconds: float, cancelled: CancelToken) -> abc.PGconn:
    """Connect and log in; raises `LoginFailure`, or the reason of `cancelled`."""
    trace = os.memfd_create("osiris-login")
    try:
        pgconn = PGconn.connect_start(make_conninfo("", **parameters).encode())
        try:
            _follow(pgconn, trace, time.monotonic() + seconds, cancelled)
        except BaseException:
            pgconn.finish()
            raise
        pgconn.untrace()
    finally:
        os.close(trace)
    pgconn.nonblocking = 1
    return pgconn


def _follow(pgconn: abc.PGconn, trace: int, deadline: float, cancelled: CancelToken) -> None:
    if pgconn.status != ConnStatus.BAD:
        pgconn.trace(trace)
        pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
    phase = ConnStatus(pgconn.status)
    while phase != ConnStatus.BAD:
        wanted = pgconn.connect_poll()
        if wanted == PollingStatus.OK:
            return
        if wanted == PollingStatus.FAILED:
            break
        phase = ConnStatus(pgconn.status)
        if not _ready(pgconn.socket, wanted, deadline, cancelled):
            raise LoginFailure(phase, timed_out=True)
    raise _failure(pgconn, trace, phase)


def _ready(channel: int, wanted: int, deadline: float, cancelled: CancelToken) -> bool:
    """Wait until the socket is ready; False when the time is up."""
    poll = select.poll()
    poll.register(channel, select.POLLIN if wanted == PollingStatus.READING else select.POLLOUT)
    while (left := deadline - time.monotonic()) > 0:
        cancelled.raise_if_set()
        if poll.poll(1000 * min(left, _SLICE_SECONDS)):
            return True
    return False


def _failure(pgconn: abc.PGconn, trace: int, phase: ConnStatus) -> LoginFailure:
    lines = pgconn.get_error_message().splitlines()
    said = [line for line in lines if not line.startswith("\t")][-1]  # others go on
    if phase != ConnStatus.BAD:
        pgconn.untrace()  # which writes what it still holds
    errors = _ERROR.findall(os.pread(trace, _TRACE_BYTES, 0).decode(errors="replace"))
    sqlstate, text = errors[-1] if errors else ("", said)
    return LoginFailure(phase, text, sqlstate)

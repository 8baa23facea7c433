"""The host's end of the journal: every record once, in order, however often the stream is cut."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing

from osiris.remote.errors import HostileSandboxError, SandboxUnreachableError
from osiris.remote.patience import Patience, waits
from osiris.remote.rpc_protocol import MAX_LINE, Envelope, Joiner, ProtocolError, parse_line
from osiris.remote.sandbox import Sandbox
from osiris.remote.watchdog import Watchdog

_MOST_DAMAGED = 5


class _CutError(Exception):
    """The stream cannot go on; the text says why."""


class JournalStream:
    """Pumps the journal out of a sandbox.

    Args:
        sandbox: where the journal is.
        pump: returns the command that sends the lines from a seq on.
        watchdog: is told whenever something is heard.
        patience: decides how long the way may be cut.
        most_bytes: of the journal, in all.
        on_reconnect: called with the next seq and the reason after each cut.

    """

    def __init__(
        self,
        sandbox: Sandbox,
        pump: Callable[[int], Sequence[str]],
        watchdog: Watchdog,
        patience: Patience,
        *,
        most_bytes: int,
        on_reconnect: Callable[[int, str], None],
    ) -> None:
        self._sandbox = sandbox
        self._pump = pump
        self._watchdog = watchdog
        self._patience = patience
        self._left = most_bytes
        self._on_reconnect = on_reconnect
        self._joiner = Joiner()
        self.last = 0

    def __iter__(self) -> Generator[Envelope, None, None]:
        """Iterate over the records; ends only by the caller's leave, or by an error.

        Raises `SandboxGoneError`, `SandboxUnreachableError` when the way stays cut, or
        `HostileSandboxError` for what is no journal.
        """
        silent_since = self._watchdog.now()
        delays = waits()
        damaged = 0
        while True:
            before = self.last
            why = ""
            try:
                yield from self._follow()
            except SandboxUnreachableError as error:
                why = error.message
            except _CutError as error:
                why = str(error)
                damaged += 1
            if self.last > before:
                silent_since, delays, damaged = self._watchdog.now(), waits(), 0
            self._after_cut(why, damaged, silent_since, next(delays))

    def _after_cut(self, why: str, damaged: int, silent_since: float, wait: float) -> None:
        """Return when it is worth trying again; raise when it is not."""
        if damaged >= _MOST_DAMAGED:
            raise HostileSandboxError(f"the journal cannot be read beyond {self.last}: {why}")
        self._watchdog.raise_if_expired()
        self._patience.check_alive()
        if self._watchdog.now() - silent_since > self._patience.seconds:
            raise SandboxUnreachableError(
                f"nothing was heard from sandbox {self._sandbox.id} for "
                f"{self._patience.seconds:g} s after record {self.last}: {why or 'it is silent'}",
                hint="look at the network; the sandbox may still live until its time is over",
            )
        if why:
            self._on_reconnect(self.last + 1, why)
        self._watchdog.pause(wait)

    def _follow(self) -> Iterator[Envelope]:
        """Yield the records of one stream; returns when it ends by itself."""
        rest = b""
        opened = _Stream(self._sandbox.follow(self._pump(self.last + 1)))
        with closing(opened) as stream, self._watchdog.watching():
            for data in stream:
                self._watchdog.heard()
                self._left -= len(data)
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    yield from self._records(line)
                self._check_sizes(rest)

    def _check_sizes(self, rest: bytes) -> None:
        if self._left < 0:
            raise HostileSandboxError("the journal is larger than is taken from a sandbox")
        if len(rest) > MAX_LINE:
            raise HostileSandboxError(f"a journal line has more than {MAX_LINE} bytes")

    def _records(self, line: bytes) -> Iterator[Envelope]:
        """Yield the record that a line completes, if it does."""
        self._check_sizes(line)
        try:
            envelope = parse_line(line)
        except ProtocolError as error:
            raise _CutError(str(error)) from error
        if envelope.seq == 0:  # the pump's own, not the journal's
            yield envelope
        elif envelope.seq > self.last + 1:
            raise _CutError(f"record {envelope.seq} came after {self.last}")
        elif envelope.seq == self.last + 1:
            self.last = envelope.seq
            try:
                whole = self._joiner.join(envelope)
            except ProtocolError as error:
                raise HostileSandboxError(f"record {envelope.seq}: {error}") from error
            if whole is not None:
                yield whole


class _Stream:
    """A stream that is closed with its block, whether it is a generator or not."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Let go of the stream."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()

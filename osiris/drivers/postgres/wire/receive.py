"""Receiving messages: control messages one by one, rows of COPY as blocks of a large buffer."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

import numpy as np

from osiris.core.errors import StepError
from osiris.drivers.postgres.errors import lost_connection, server_error
from osiris.drivers.postgres.wire.message_starts import (
    HEADER,
    KIND,
    Bytes,
    Offsets,
    message_starts,
)
from osiris.drivers.postgres.wire.messages import (
    AT_ANY_TIME,
    COPY_DATA,
    COPY_DONE,
    ERROR,
    MalformedMessageError,
    parse_error,
)
from osiris.drivers.postgres.wire.wire import Wire

BUFFER_BYTES: Final = 2 << 20
"""Room for the rows of one block: what stays in the processor's cache while it is decoded."""

SLACK: Final = 64
"""Readable bytes before the first row of a block and behind the last."""

_SMALL: Final = 1 << 16  # bytes up to which nothing is waited for but the next ones
_ENOUGH: Final = 1 << 18  # bytes that are worth waking for when there are many
_PAUSE_MILLISECONDS: Final = 5
_LARGEST: Final = (1 << 31) - (1 << 16)
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class RowBlock:
    """Rows that lie behind one another in a buffer; good until the next block is asked for.

    `begin` and `end` are the offsets in `data` of every row's payload.
    """

    data: Bytes
    begin: Offsets
    end: Offsets


class Receiver:
    """The messages that come over a `Wire`, in order.

    Attributes:
        wire: the connection.
        rows: rows of COPY received so far.

    """

    def __init__(self, wire: Wire, capacity: int = BUFFER_BYTES) -> None:
        self.wire = wire
        self.rows = 0
        self._capacity = capacity
        self._data: Bytes = np.zeros(0, np.uint8)
        self._start = self._end = self._limit = 0
        self._make_room(capacity)

    def _make_room(self, size: int) -> None:
        """Move what is received to the beginning of a buffer that has room for `size` bytes."""
        held = bytes(self._data.data[self._start : self._end])
        room = max(self._capacity, size)
        if room != self._limit - SLACK:
            self._data = np.zeros(room + 2 * SLACK, np.uint8)
        self._view = self._data.data
        self._limit = SLACK + room
        self._start, self._end = SLACK, SLACK + len(held)
        self._view[self._start : self._end] = held

    def send(self, data: bytes) -> None:
        """Send messages; raises the error of a lost connection."""
        try:
            self.wire.send(data)
        except OSError as error:
            self._lost(error.strerror or str(error))

    def message(self, *, longest: int = _LARGEST) -> tuple[bytes, bytes]:
        """Wait for one message and return its kind and its payload; notices are passed over."""
        while True:
            size = self._next_size(longest)
            self._need(size)
            kind = bytes(self._view[self._start : self._start + KIND])
            payload = bytes(self._view[self._start + HEADER : self._start + size])
            self._start += size
            if kind not in AT_ANY_TIME:
                return kind, payload
            if kind == b"N":
                _log.debug("PostgreSQL at %s: %s", self.wire.where, parse_error(payload).text)

    def expect(self, *kinds: bytes) -> tuple[bytes, bytes]:
        """Wait for a message of one of these kinds; raises the server's error for an error."""
        kind, payload = self.message()
        if kind == ERROR:
            raise self.refusal(payload)
        if kind not in kinds:
            raise MalformedMessageError(f"a message {kind!r} comes where none may")
        return kind, payload

    def refusal(self, payload: bytes) -> StepError:
        """Return the server's error; raises the reason when this was cancelled."""
        self.wire.cancelled.raise_if_set()
        said = parse_error(payload)
        return server_error(said.sqlstate, said.text, self.wire.where, said=said.hint)

    def blocks(self, columns: int) -> Iterator[RowBlock]:
        """Yield what COPY sends, each message as a row, until it is done.

        Raises the server's error, also in the middle.
        """
        while True:
            self._gather()
            starts, after = message_starts(self._data, self._start, self._end, columns)
            others = np.flatnonzero(self._data[starts] != COPY_DATA[0])
            if len(others):
                after = int(starts[others[0]])
                starts = starts[: others[0]]
            if len(starts):
                self.rows += len(starts)
                yield RowBlock(self._data, starts + HEADER, np.append(starts[1:], after))
                self._start = after
            if len(others) and self._is_over():
                return
            self._make_room(self._end - self._start)

    def _is_over(self) -> bool:
        """Take the message that is no row; tell whether it was the last of the COPY."""
        kind = bytes(self._view[self._start : self._start + KIND])
        if kind in AT_ANY_TIME:
            self._start += self._next_size()
            return False
        self.expect(COPY_DONE)
        return True

    def _next_size(self, longest: int = _LARGEST) -> int:
        """Wait for the beginning of a message and return its size."""
        self._need(HEADER)
        field = self._view[self._start + KIND : self._start + HEADER]
        length = int.from_bytes(field, "big")
        if not HEADER - KIND <= length <= longest:
            raise MalformedMessageError(f"a message has a length of {length}")
        return KIND + length

    def _need(self, size: int) -> None:
        """Receive until `size` bytes are there."""
        if self._start + size > self._limit:
            self._make_room(size)
        while self._end - self._start < size:
            if not self._receive():
                self._lost("the server closed it")

    def _gather(self) -> None:
        """Receive until the buffer is full or the server pauses; at least one whole message."""
        self._need(self._next_size())
        while self._end < self._limit and self.wire.wait_for(self._enough(), _PAUSE_MILLISECONDS):
            if not self._receive():
                break  # what came before may be the reason, or the end

    def _enough(self) -> int:
        """Return how many bytes are worth waking for."""
        few = self._end - self._start < _SMALL
        return 1 if few else min(_ENOUGH, self._limit - self._end)

    def _receive(self) -> int:
        try:
            count = self.wire.recv_into(self._view[self._end : self._limit])
        except OSError as error:
            if self.wire.logging_in:
                raise
            self._lost(error.strerror or str(error))
        self._end += count
        return count

    def _lost(self, reason: str) -> NoReturn:
        self.wire.cancelled.raise_if_set()
        raise lost_connection(self.wire.where, reason, rows=self.rows or None)

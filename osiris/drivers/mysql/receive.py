"""Receiving packets: control packets one by one, rows as blocks of a large buffer."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NoReturn

import numpy as np

from osiris.core.errors import DataError, StepError
from osiris.drivers.mysql.connect import MAX_PAYLOAD, Wire
from osiris.drivers.mysql.errors import lost_connection, server_error
from osiris.drivers.mysql.packet_starts import HEADER, SLACK, Bytes, Offsets, packet_starts
from osiris.drivers.mysql.protocol import EOF, ERR, MalformedPacketError, parse_error
from osiris.drivers.mysql.write_errors import write_error

BUFFER_BYTES: Final = 2 << 20
"""Room for the rows of one block: what stays in the processor's cache while it is decoded."""

_SMALL: Final = 1 << 16  # bytes that are scanned at once: the result may end with them
_ENOUGH: Final = 1 << 18  # bytes that are worth waking for when there are many
_PAUSE_MILLISECONDS: Final = 5
_CLOSED: Final = "the server closed it"
_LARGEST_ROW: Final = (1 << 31) - 1  # Arrow's offsets of strings are 32-bit
_ENDS_RESULT: Final = 0xFE  # EOF and ERR are the only first bytes from here on


@dataclass(frozen=True)
class RowBlock:
    """Rows that lie behind one another in a buffer; good until the next block is asked for.

    `begin` and `end` are the offsets in `data` of every row's payload; before the first and behind
    the last one at least `SLACK` more bytes can be read.
    """

    data: Bytes
    begin: Offsets
    end: Offsets


class Receiver:
    """The packets that come over a `Wire`, in order and checked for their sequence numbers.

    Attributes:
        wire: the connection.
        rows: rows received so far.
        last: payload of the packet that ended the rows: EOF, OK or ERR.
        writing: whether the connection serves to write, for messages.

    """

    def __init__(self, wire: Wire, capacity: int = BUFFER_BYTES, *, writing: bool = False) -> None:
        self.wire = wire
        self.writing = writing
        self.rows = 0
        self.last = b""
        # A full packet must not fit: one that goes on in the next is then always read by itself.
        self._room = max(HEADER + 1, min(capacity, MAX_PAYLOAD))
        self._limit = SLACK + self._room
        self._data: Bytes = np.zeros(self._limit + SLACK, np.uint8)
        self._view = self._data.data
        self._start = self._end = SLACK
        self._pending = 0  # rows received that are in no block yet
        self._sequence = 0

    def command(self, payload: bytes) -> None:
        """Send a command; the answer's packets follow."""
        try:
            self.wire.send(payload)
        except OSError as error:
            self._lost(error.strerror or str(error))
        self._sequence = len(payload) // MAX_PAYLOAD + 1

    def upload(self, part: bytes | memoryview) -> None:
        """Send one packet of the file that the server has asked for; an empty one ends the file."""
        try:
            self.wire.send(part, sequence=self._sequence)
        except OSError as error:
            self._lost(error.strerror or str(error))
        self._sequence = (self._sequence + 1) & 0xFF

    def packet(self) -> bytes:
        """Wait for one packet and return its payload, joined when it came in parts."""
        return bytes(self._joined()[SLACK:-SLACK])

    def refusal(self, payload: bytes) -> StepError:
        """Return the server's error in an ERR packet; raises the reason when this was cancelled."""
        self.wire.cancelled.raise_if_set()
        error = parse_error(payload)
        told = write_error if self.writing else server_error
        return told(error.number, error.sqlstate, error.text, self.wire.where)

    def blocks(self, *, marker: int | None = None) -> Iterator[RowBlock]:
        """Yield the rows up to the packet that ends them, which is `last` afterwards.

        `marker` is the first byte of every row, where the protocol has one.
        """
        self._compact(self._start)
        found: list[Offsets] = []
        walked = self._start
        ended: str | None = None
        while True:
            starts, walked = packet_starts(self._data, walked, self._end, marker=marker)
            found.append(starts)
            self._pending += len(starts)
            ending = np.flatnonzero(self._data[starts + HEADER] >= _ENDS_RESULT)
            if len(ending):
                yield from self._last_block(np.concatenate(found), len(starts) - int(ending[0]))
                return
            if ended is not None:
                self._lost(ended)
            if self._end < self._limit:
                ended = self._gather()
                continue
            whole = np.concatenate(found)
            if len(whole):
                yield self._block(whole, walked)
                self._compact(walked)
            else:
                row = self._joined()
                if self._ends_result(row):
                    self.last = bytes(row[SLACK:-SLACK])
                    return
                yield self._single(row)
            found, walked = [], self._start

    def _last_block(self, starts: Offsets, behind: int) -> Iterator[RowBlock]:
        """Yield the rows before the ending packet, the `behind`-th from the end of `starts`."""
        rows, ending = starts[:-behind], int(starts[-behind])
        if len(rows):
            yield self._block(rows, ending)
        self._start = ending
        self.last = self.packet()

    def _block(self, starts: Offsets, after: int) -> RowBlock:
        count = len(starts)
        expected = (self._sequence + np.arange(count)).astype(np.uint8)
        if not np.array_equal(self._data[starts + (HEADER - 1)], expected):
            raise MalformedPacketError("rows arrive out of sequence")
        self._sequence = (self._sequence + count) & 0xFF
        self.rows += count
        self._pending = 0
        return RowBlock(self._data, starts + HEADER, np.append(starts[1:], after))

    def _single(self, row: bytearray) -> RowBlock:
        self.rows += 1
        data = np.frombuffer(row, np.uint8)
        return RowBlock(data, np.array([SLACK]), np.array([len(row) - SLACK]))

    def _ends_result(self, row: bytearray) -> bool:
        # A row may begin with 0xFE, a length of 8 bytes, only when it has more than 16 MiB.
        return row[SLACK] == ERR or (row[SLACK] == EOF and len(row) - 2 * SLACK < MAX_PAYLOAD)

    def _joined(self) -> bytearray:
        """Return the next packet's payload in full, with `SLACK` bytes before and behind it."""
        joined, out_of_sequence, length = bytearray(SLACK), False, MAX_PAYLOAD
        while length == MAX_PAYLOAD:
            header = bytearray(HEADER)
            self._fill(memoryview(header))
            length, at = int.from_bytes(header[:3], "little"), len(joined)
            out_of_sequence |= header[3] != self._sequence
            self._sequence = (header[3] + 1) & 0xFF
            if at + length > _LARGEST_ROW:
                raise DataError(
                    f"a row from MySQL at {self.wire.where} is larger than 2 GiB",
                    hint="select fewer columns, or parts of them",
                )
            joined.extend(bytes(length))
            with memoryview(joined) as space:
                self._fill(space[at:])
        # An error may come out of sequence, from a server that shuts down.
        if len(joined) == SLACK or (out_of_sequence and joined[SLACK] != ERR):
            raise MalformedPacketError("packets arrive empty or out of sequence")
        joined.extend(bytes(SLACK))
        return joined

    def _fill(self, space: memoryview) -> None:
        """Fill `space` with what was received or comes next, and no byte more."""
        have = min(len(space), self._end - self._start)
        space[:have] = self._view[self._start : self._start + have]
        self._start += have
        while have < len(space):
            if len(space) - have >= self._room:
                have += self._receive_into(space[have:])
                continue
            self._start = self._end = SLACK
            self._receive()
            more = min(len(space) - have, self._end - SLACK)
            space[have : have + more] = self._view[SLACK : SLACK + more]
            self._start = SLACK + more
            have += more

    def _gather(self) -> str | None:
        """Receive until the buffer is full or the server pauses, so that much is scanned at once.

        Returns why the connection ended, when it did: what came before may be a whole result.
        """
        while self._end < self._limit:
            try:
                count = self.wire.recv_into(self._view[self._end : self._limit])
            except OSError as error:
                return error.strerror or str(error)
            if not count:
                return _CLOSED
            self._end += count
            enough = min(_ENOUGH, self._limit - self._end)
            few = self._end < SLACK + _SMALL
            if few or not enough or not self.wire.wait_for(enough, _PAUSE_MILLISECONDS):
                break
        return None

    def _compact(self, start: int) -> None:
        end = SLACK + self._end - start
        self._view[SLACK:end] = bytes(self._view[start : self._end])
        self._start, self._end = SLACK, end

    def _receive(self) -> None:
        self._end += self._receive_into(self._view[self._end : self._limit])

    def _receive_into(self, space: memoryview) -> int:
        try:
            count = self.wire.recv_into(space)
        except OSError as error:
            self._lost(error.strerror or str(error))
        if not count:
            self._lost(_CLOSED)
        return count

    def _lost(self, reason: str) -> NoReturn:
        self.wire.cancelled.raise_if_set()
        rows = None if self.writing else self.rows + self._pending
        raise lost_connection(self.wire.where, rows, reason)

"""Where the messages begin in a buffer: following the chain of lengths, many links at a time.

A message is a kind (1 byte), a length that counts itself (4 bytes, big endian) and the payload.
Where the next one begins is known only from the one before, which in Python costs a loop step a
message. For large buffers the chain is followed in many lanes at once: a guess is made where a
row of COPY might begin near evenly spaced places, every lane follows its chain from there, and a
lane counts only when the lane before it arrives exactly at its beginning. So a wrong guess costs
time, never correctness: what is returned is the chain from the first message.
"""

import struct
from array import array
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]

KIND: Final = 1
HEADER: Final = 5

_ROW: Final = ord("d")
_length_at: Final = struct.Struct(">I").unpack_from
_SAMPLE_BYTES: Final = 4096  # followed one by one, to learn how long the messages are
_LANES_FROM: Final = 1024  # messages below which lanes do not pay
_MESSAGES_IN_LANE: Final = 32
_STEPS_BETWEEN_CHECKS: Final = 4
_HOPS: Final = 3
_WINDOW_MORE: Final = 32  # bytes beyond a message's size in which one is looked for


def message_starts(data: Bytes, start: int, end: int, columns: int) -> tuple[Offsets, int]:
    """Follow the messages that lie wholly in `data[start:end]`.

    `columns` is what most messages hold: rows of COPY with so many columns. Returns the offsets of
    the messages and the offset behind the last.
    """
    first, after = _one_by_one(data, start, min(end, start + _SAMPLE_BYTES))
    size = (after - start) // len(first) if len(first) else 0
    if not size or (end - after) // size < _LANES_FROM:
        rest, after = _one_by_one(data, after, end)
        return np.concatenate((first, rest)), after
    begin = _guess(data, after, end, size, columns)
    many, after = _in_lanes(data, begin, end)
    rest, after = _one_by_one(data, after, end)
    return np.concatenate((first, many, rest)), after


def _one_by_one(data: Bytes, at: int, end: int) -> tuple[Offsets, int]:
    starts = array("q")
    add, last, raw = starts.append, end - HEADER, data.data
    while at <= last:
        after = at + KIND + _length_at(raw, at + KIND)[0]
        if after > end:
            break
        add(at)
        at = after
    return np.frombuffer(starts, np.int64) if starts else np.empty(0, np.int64), at


def _lengths(data: Bytes) -> npt.NDArray[np.uint32]:
    """Return the lengths of the messages that begin at every offset, their bytes swapped."""
    return np.ndarray((len(data) - HEADER + 1,), "<u4", data, offset=KIND, strides=(1,))


def _in_lanes(data: Bytes, begin: Offsets, end: int) -> tuple[Offsets, int]:
    """Follow the messages from every `begin` until the next; the chain up to where one misses."""
    lengths = _lengths(data)
    limit = np.append(begin[1:], end)
    last = end - HEADER
    at, steps = begin, [begin]
    while (at < limit).any():
        for _ in range(_STEPS_BETWEEN_CHECKS):
            at = at + lengths[np.minimum(at, last)].byteswap(inplace=True)
            at += KIND
            steps.append(at)
    lanes = np.ascontiguousarray(np.array(steps).T)
    inside = lanes < np.minimum(limit, last + 1)[:, None]
    arrival = lanes[np.arange(len(begin)), inside.sum(axis=1)]
    missed = np.flatnonzero(arrival[:-1] != limit[:-1])
    good = int(missed[0]) + 1 if len(missed) else len(begin)
    chain, after = lanes[:good][inside[:good]], int(arrival[good - 1])
    if after > end:  # the last message found is not whole yet
        chain, after = chain[:-1], int(chain[-1])
    return chain, after


def _guess(data: Bytes, start: int, end: int, size: int, columns: int) -> Offsets:
    """Return `start` and, in order, offsets where a row seems to begin, one a lane at most.

    What looks like one: the kind, a length below 64 KiB, the number of columns, and so several
    times in a row.
    """
    window = size + _WINDOW_MORE
    lanes = (end - start) // (size * _MESSAGES_IN_LANE)
    span = (end - start - window - HEADER - 2) // lanes

    def windows(offset: int) -> Bytes:
        offset += start + span
        return np.ndarray((lanes - 1, window), np.uint8, data, offset, strides=(span, 1))

    lane, place = np.nonzero(_looks_like_a_row(windows, columns))
    found = start + span * (lane + 1) + place
    hopped, lengths = found, _lengths(data)
    for _ in range(_HOPS):
        hopped = hopped + KIND + lengths[hopped].byteswap(inplace=True)
        inside = hopped < end - HEADER - 2
        lane, found, hopped = lane[inside], found[inside], hopped[inside]
        likely = _looks_like_a_row(_behind(data, hopped), columns)
        lane, found, hopped = lane[likely], found[likely], hopped[likely]
    _, first = np.unique(lane, return_index=True)
    return np.append(np.int64(start), found[first])


def _behind(data: Bytes, at: Offsets) -> Callable[[int], Bytes]:
    return lambda offset: data[at + offset]


def _looks_like_a_row(byte: Callable[[int], Bytes], columns: int) -> npt.NDArray[np.bool_]:
    """Tell where a row seems to begin; `byte` gives the bytes so far behind those places."""
    likely: npt.NDArray[np.bool_] = (byte(0) == _ROW) & (byte(6) == columns & 0xFF)
    likely &= (byte(1) == 0) & (byte(2) == 0) & (byte(5) == columns >> 8)
    return likely

"""Where the packets begin in a buffer: following the chain of lengths, many links at a time.

A packet is a length (3 bytes, little endian), a sequence number (1 byte) and the payload. Where
the next one begins is known only from the one before, which in Python costs a loop step a packet.
For large buffers the chain is followed in many lanes at once: a guess is made where a packet
might begin near evenly spaced places, every lane follows its chain from there, and a lane counts
only when the lane before it arrives exactly at its beginning. So a wrong guess costs time, never
correctness: what is returned is the chain from the first packet.
"""

import struct
from array import array
from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]
Headers = npt.NDArray[np.uint32]

HEADER: Final = 4
SLACK: Final = 16
"""Readable bytes a buffer must have before its beginning and behind its end."""

_LENGTH: Final = np.uint32(0xFFFFFF)
_header_at: Final = struct.Struct("<I").unpack_from

_SAMPLE_BYTES: Final = 4096  # followed one by one, to learn how long the packets are
_LANES_FROM: Final = 2048  # packets below which lanes do not pay
_PACKETS_IN_LANE: Final = 32
_STEPS_BETWEEN_CHECKS: Final = 4
_GUESS_HOPS: Final = 3


def packet_starts(
    data: Bytes, start: int, end: int, *, marker: int | None = None
) -> tuple[Offsets, int]:
    """Follow the packets that lie wholly in `data[start:end]`.

    `marker` is the first byte of nearly every payload, when there is one: it only saves time.
    Returns the offsets of the headers and the offset behind the last packet.
    """
    first, after = _one_by_one(data, start, min(end, start + _SAMPLE_BYTES))
    if first and (end - after) // ((after - start) // len(first)) >= _LANES_FROM:
        size = (after - start) // len(first)
        many, after = _in_lanes(data, after, end, size, marker)
        return np.concatenate((_offsets(first), many)), after
    rest, after = _one_by_one(data, after, end)
    first.extend(rest)
    return _offsets(first), after


def _offsets(values: "array[int]") -> Offsets:
    return np.frombuffer(values, dtype=np.int64) if values else np.empty(0, np.int64)


def _one_by_one(data: Bytes, at: int, end: int) -> tuple["array[int]", int]:
    starts = array("q")
    add, last, raw = starts.append, end - HEADER, data.data
    while at <= last:
        after = at + HEADER + (_header_at(raw, at)[0] & 0xFFFFFF)
        if after > end:
            break
        add(at)
        at = after
    return starts, at


def _in_lanes(
    data: Bytes, start: int, end: int, size: int, marker: int | None
) -> tuple[Offsets, int]:
    """Follow packets of about `size` bytes in lanes."""
    headers: Headers = np.ndarray((len(data) - HEADER + 1,), "<u4", data, strides=(1,))
    begin = _guess(data, headers, start, end, size, marker)
    limit = np.append(begin[1:], end - HEADER + 1)
    steps = _follow(headers, begin, limit, end - HEADER)
    inside = steps < limit[:, None]
    counts = inside.sum(axis=1)
    arrival = steps[np.arange(len(begin)), counts]
    missed = np.flatnonzero(arrival[:-1] != limit[:-1])
    good = int(missed[0]) + 1 if len(missed) else len(begin)
    found, after = steps[:good][inside[:good]], int(arrival[good - 1])
    if good < len(begin):
        # The next lane began at no packet: its guess was wrong. Go on from where the chain is.
        rest, after = _one_by_one(data, after, end)
        return np.concatenate((found, _offsets(rest))), after
    if after > end:  # the last packet found is not whole yet
        found, after = found[:-1], int(found[-1])
    return found, after


def _follow(headers: Headers, begin: Offsets, limit: Offsets, last: int) -> Offsets:
    """Return every lane's offsets, a row a lane, each at least until it passes its limit."""
    steps = [begin]
    at = begin
    while (at < limit).any():
        for _ in range(_STEPS_BETWEEN_CHECKS):
            lengths = headers[np.minimum(at, last)]
            lengths &= _LENGTH
            at = at + lengths
            at += HEADER
            steps.append(at)
    return np.ascontiguousarray(np.array(steps).T)


def _guess(
    data: Bytes, headers: Headers, start: int, end: int, size: int, marker: int | None
) -> Offsets:
    """Return `start` and, in order, offsets where a packet seems to begin, one a lane at most.

    What looks like a packet: less than 64 KiB long, and followed by packets with the next
    sequence numbers, several in a row. Of those the last is returned: a chain that begins at a
    wrong place soon runs into the right one.
    """
    window = 2 * size
    lanes = (end - start) // (size * _PACKETS_IN_LANE)
    span = (end - start - window - SLACK) // lanes
    shape, strides = (lanes - 1, window), (span, 1)
    third: Bytes = np.ndarray(shape, np.uint8, data, offset=start + span + 2, strides=strides)
    likely = third == 0
    if marker is not None:
        fifth: Bytes = np.ndarray(shape, np.uint8, data, offset=start + span + 4, strides=strides)
        likely &= fifth == marker
    hits = np.flatnonzero(likely)
    lane = hits // window
    at = start + span + lane * (span - window) + hits
    header = headers[at]
    sequence = (header >> 24).astype(np.uint8)
    for hop in range(1, _GUESS_HOPS + 1):
        at = at + HEADER + (header & _LENGTH)
        inside = at <= end - HEADER
        header = headers[np.where(inside, at, start)]
        inside &= (header >> 24).astype(np.uint8) - sequence == hop
        lane, at = lane[inside], at[inside]
        header, sequence = header[inside], sequence[inside]
    first_of_lane = np.append(True, lane[1:] != lane[:-1])[: len(lane)]
    return np.append(np.int64(start), at[first_of_lane])

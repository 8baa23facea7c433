"""Dates and times of the binary protocol, a column at a time.

A cell is its size in bytes, then as many of these fields as are not zero: year (2 bytes), month,
day, hour, minute, second, microseconds (4). A TIME is a sign, days (4), hour, minute, second,
microseconds (4). Layouts: "Binary Protocol Value" in the MySQL source documentation.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from osiris.drivers.mysql.cells import Cells, Decoded, Mask, fixed_array, unaligned
from osiris.drivers.mysql.packet_starts import Bytes, Offsets
from osiris.drivers.mysql.protocol import MalformedPacketError

_YEARS: Final = 10_000
_DATE: Final = 4
_TO_SECONDS: Final = 7
_TO_MICROSECONDS: Final = 11
_TIME_TO_SECONDS: Final = 8
_TIME_TO_MICROSECONDS: Final = 12


def _month_table() -> npt.NDArray[np.int32]:
    """Return for month * 65536 + year: 32 * (days from 1970 to its first day) + its length.

    What is no month has length 0, as has the last entry.
    """
    months = np.arange("0000-01", "10000-02", dtype="M8[M]").astype("M8[D]").astype(np.int32)
    packed = months[:-1] * 32 + np.diff(months)
    # Most of it is never touched, and so takes no memory.
    table = np.zeros((13 << 16) + 1, np.int32)
    table[:-1].reshape(13, 1 << 16)[1:, :_YEARS] = packed.reshape(_YEARS, 12).T
    return table


def _kept(*sizes: int) -> npt.NDArray[np.uint64]:
    """Return, for every size of a cell, the bits of its first 8 bytes that belong to it."""
    bits = np.zeros(256, np.uint64)
    for size in sizes:
        bits[size] = (1 << 8 * min(size, _TO_SECONDS)) - 1
    return bits


_MONTHS: Final = _month_table()
_KEPT: Final = _kept(_DATE, _TO_SECONDS, _TO_MICROSECONDS)
_DATE_BITS: Final = np.uint64(0xFFFFFF)
_BYTE: Final = np.uint64(0xFF)


def _sizes(cells: Cells, *allowed: int) -> tuple[Bytes, int | Offsets]:
    """Return every cell's size, 0 for NULL, and the bytes to go to the next column."""
    size = cells.data[cells.at]
    if cells.null is not None:
        size[cells.null] = 0
    least, most = int(size.min(initial=0xFF)), int(size.max(initial=0))
    if least == most and least in allowed:
        return size, least + 1
    if not np.isin(size, allowed).all():
        raise MalformedPacketError("a date or time has a size that none has")
    return size, size.astype(np.int64) + 1


def _byte(packed: npt.NDArray[np.uint64], index: int) -> npt.NDArray[np.int64]:
    return ((packed >> np.uint64(8 * index)) & _BYTE).view(np.int64)


def _days(packed: npt.NDArray[np.uint64]) -> tuple[npt.NDArray[np.int64], Mask]:
    """Return days since 1970 of the dates in the low 4 bytes, and which of them are no dates."""
    month = _MONTHS.take((packed & _DATE_BITS).view(np.int64), mode="clip")
    day = _byte(packed, 3) - 1
    no_date = day.view(np.uint64) >= (month & 31).view(np.uint32)
    return (month >> 5) + day, no_date


def _without(no_date: Mask, null: Mask | None) -> tuple[Mask | None, Mask | None]:
    """Return which rows are NULL now, and which of them hold no date."""
    if null is not None:
        no_date &= ~null
    if not no_date.any():
        return null, None
    return (no_date if null is None else null | no_date), no_date


def decode_date(cells: Cells) -> Decoded:
    """Decode DATE into date32."""
    size, width = _sizes(cells, 0, _DATE)
    packed = unaligned(cells.data, "<u4", cells.at + 1).astype(np.uint64)
    packed &= _KEPT[size]
    days, no_date = _days(packed)
    null, no_date_or_none = _without(no_date, cells.null)
    values = fixed_array(days.astype(np.int32), pa.date32(), null)
    return Decoded(values, width, no_date_or_none)


def decode_datetime(cells: Cells) -> Decoded:
    """Decode DATETIME and TIMESTAMP into timestamp[us]."""
    size, width = _sizes(cells, 0, _DATE, _TO_SECONDS, _TO_MICROSECONDS)
    packed = unaligned(cells.data, "<u8", cells.at + 1).view(np.uint64)
    packed &= _KEPT[size]
    days, no_date = _days(packed)
    seconds = days * 86_400
    seconds += _byte(packed, 4) * 3600
    seconds += _byte(packed, 5) * 60
    seconds += _byte(packed, 6)
    seconds *= 1_000_000
    micros = unaligned(cells.data, "<u4", cells.at + 1 + _TO_SECONDS).view(np.uint32)
    if isinstance(width, np.ndarray) or width != _TO_MICROSECONDS + 1:
        micros = np.where(size == _TO_MICROSECONDS, micros, 0)
    seconds += micros
    null, no_date_or_none = _without(no_date, cells.null)
    values = fixed_array(seconds, pa.timestamp("us"), null)
    return Decoded(values, width, no_date_or_none)


def decode_time(cells: Cells) -> Decoded:
    """Decode TIME, which may be negative and longer than a day, into duration[us]."""
    size, width = _sizes(cells, 0, _TIME_TO_SECONDS, _TIME_TO_MICROSECONDS)
    days = unaligned(cells.data, "<u4", cells.at + 2).astype(np.int64)
    clock = unaligned(cells.data, "<u4", cells.at + 6).astype(np.uint64)
    seconds = days * 86_400
    seconds += _byte(clock, 0) * 3600 + _byte(clock, 1) * 60 + _byte(clock, 2)
    seconds *= 1_000_000
    micros = unaligned(cells.data, "<u4", cells.at + 1 + _TIME_TO_SECONDS).view(np.uint32)
    seconds += micros * (size == _TIME_TO_MICROSECONDS)
    seconds *= size != 0
    seconds *= 1 - 2 * cells.data[cells.at + 1].astype(np.int64)
    values = fixed_array(seconds, pa.duration("us"), cells.null)
    return Decoded(values, width)

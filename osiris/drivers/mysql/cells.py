"""One column of a block of rows before it is decoded, and what the decoders share."""

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from osiris.drivers.mysql.packet_starts import Bytes, Offsets
from osiris.drivers.mysql.protocol import MalformedPacketError

Mask = npt.NDArray[np.bool_]

SLICE_ROWS: Final = 1 << 16
"""Rows decoded at a time, at most."""

_NULL: Final = 0xFB
_LONG: Final = {0xFC: ("<u2", 0xFFFF, 2), 0xFD: ("<u4", 0xFFFFFF, 3), 0xFE: ("<i8", -1, 8)}
"""First byte of a length that follows: its numpy type, the bits that count, its bytes."""


@dataclass(frozen=True)
class Cells:
    """Where a column's cells lie: `at` for every row, in `data`; rows end at `end`.

    `null` tells which rows have no cell in this column; None when every row has one.
    """

    data: Bytes
    at: Offsets
    end: Offsets
    null: Mask | None


class Decoded(NamedTuple):
    """A column's values, and the bytes each cell took (of no account where it is NULL).

    `no_dates` marks the rows whose date is none (zero, partial, not in the calendar).
    """

    values: pa.Array
    width: int | Offsets
    no_dates: Mask | None = None


class UnreadableValueError(Exception):
    """A value its column's type cannot hold; the message completes "column x …"."""


def validity(null: Mask | None) -> pa.Buffer | None:
    """Return Arrow's bitmap of the rows that are not NULL."""
    return None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))


def fixed_array(values: npt.NDArray[np.generic], kind: pa.DataType, null: Mask | None) -> pa.Array:
    """Return an array of a fixed-width type over `values`, without copying them."""
    return pa.Array.from_buffers(kind, len(values), [validity(null), pa.py_buffer(values)])


# Not `pa.array`, which would import numpy.ma first.
_every_second: Final = fixed_array(
    np.arange(0, 2 * SLICE_ROWS, 2, dtype=np.int32), pa.int32(), None
)


def unaligned(data: Bytes, kind: str, at: Offsets) -> npt.NDArray[np.generic]:
    """Return the little-endian values of numpy type `kind` that begin at the offsets `at`."""
    size = np.dtype(kind).itemsize
    everywhere: npt.NDArray[np.generic] = np.ndarray(
        (len(data) - size + 1,), kind, data, strides=(1,)
    )
    return everywhere[at]


def texts(cells: Cells) -> tuple[Offsets, Offsets]:
    """Return where the length-encoded text of every cell begins and ends; NULLs are empty."""
    size = cells.data[cells.at]
    if cells.null is not None:
        size[cells.null] = 0
    begin = cells.at + 1
    if size.max(initial=0) < _NULL:
        end = begin + size
    else:
        begin, end = _long_texts(cells.data, begin, size)
    if cells.null is not None:
        begin[cells.null] = end[cells.null] = cells.at[cells.null]
    if ((end > cells.end) | (end < begin)).any():
        raise MalformedPacketError("a text goes beyond its row")
    return begin, end


def _long_texts(data: Bytes, begin: Offsets, size: Bytes) -> tuple[Offsets, Offsets]:
    length = size.astype(np.int64)
    for code, (kind, bits, extra) in _LONG.items():
        rows = np.flatnonzero(size == code)
        length[rows] = unaligned(data, kind, begin[rows]).astype(np.int64) & bits
        begin[rows] += extra
    if ((size == _NULL) | (size == 0xFF)).any():  # noqa: PLR2004 - no length begins with it
        raise MalformedPacketError("a text has no length")
    return begin, begin + length


def copied(data: Bytes, begin: Offsets, end: Offsets, null: Mask | None) -> pa.Array:
    """Return a binary array with copies of the bytes between every `begin` and `end`.

    `data` itself becomes an array of texts and of the gaps between them, without copying; Arrow
    then takes every second element of it, which copies just the texts.
    """
    count = len(begin)
    offsets = np.empty(2 * count, np.int32)
    offsets[0::2] = begin
    offsets[1::2] = end
    with_gaps = pa.Array.from_buffers(
        pa.binary(), 2 * count - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )
    taken = with_gaps.take(_every_second[:count])
    if null is None:
        return taken
    return pa.Array.from_buffers(pa.binary(), count, [validity(null), *taken.buffers()[1:]])


def converted(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return binary `values` as strings, checked to be UTF-8, or as the decimals they spell."""
    if kind == pa.binary():
        return values
    try:
        strings = values.cast(pa.string())
        return strings if kind == pa.string() else strings.cast(kind)
    except pa.ArrowInvalid as error:
        raise UnreadableValueError(f"cannot be read as {kind}: {error}") from error

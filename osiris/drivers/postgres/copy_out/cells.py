"""One column of a block of rows before it is decoded, and what the decoders share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from osiris.drivers.postgres.wire.message_starts import Bytes, Offsets
from osiris.drivers.postgres.wire.messages import MalformedMessageError

Mask = npt.NDArray[np.bool_]

SLICE_ROWS: Final = 1 << 16
"""Rows decoded at a time, at most."""

LENGTH: Final = 4
"""Bytes of the length before every field; it is -1 for NULL."""


@dataclass(frozen=True)
class Cells:
    """A column's cells: `size` bytes of `data` from `at` on, for every row.

    `size` is one number where all cells have it. `null` tells which rows have no cell (their size
    is 0); None when every row has one.
    """

    data: Bytes
    at: Offsets
    size: Offsets | int
    null: Mask | None

    def must_have(self, size: int) -> None:
        """Raise `MalformedMessageError` for a cell that has not so many bytes."""
        if isinstance(self.size, int):
            wrong = self.size != size
        elif self.null is None:
            wrong = bool((self.size != size).any())
        else:
            wrong = bool(((self.size != size) & ~self.null).any())
        if wrong:
            raise MalformedMessageError(f"a field of {size} bytes has others")

    def words(self, kind: str, offset: int = 0) -> npt.NDArray[np.generic]:
        """Return the number of numpy type `kind`, big endian in the data, in every cell."""
        return big_endian(self.data, kind, self.at + offset if offset else self.at)


class Decoded(NamedTuple):
    """A column's values; `lost` marks the rows whose value no value of the type stands for."""

    values: pa.Array
    lost: Mask | None = None


Decoder = Callable[[Cells], Decoded]


class UnreadableValueError(Exception):
    """A value its column's type cannot hold; the message completes "column x …"."""


def cells_at(data: Bytes, at: Offsets) -> tuple[Cells, Offsets]:
    """Return the cells whose length begins at the offsets `at`, and the offsets behind them."""
    size = big_endian(data, "i4", at).view(np.int32)
    begin = at + LENGTH
    least, most = int(size.min()), int(size.max())
    if least == most and least >= 0:
        return Cells(data, begin, least, None), begin + least
    sizes = size.astype(np.int64)
    null: Mask | None = None
    if least < 0:
        null = size < 0
        sizes[null] = 0
    return Cells(data, begin, sizes, null), begin + sizes


def big_endian(data: Bytes, kind: str, at: Offsets) -> npt.NDArray[np.generic]:
    """Return the numbers of numpy type `kind`, big endian in `data`, at the offsets `at`."""
    size = np.dtype(kind).itemsize
    everywhere: npt.NDArray[np.generic] = np.ndarray(
        (len(data) - size + 1,), f"<{kind}", data, strides=(1,)
    )
    return everywhere[at].byteswap(inplace=True)


def validity(null: Mask | None) -> pa.Buffer | None:
    """Return Arrow's bitmap of the rows that are not NULL."""
    return None if null is None else pa.py_buffer(np.packbits(~null, bitorder="little"))


def fixed_array(values: npt.NDArray[np.generic], kind: pa.DataType, null: Mask | None) -> pa.Array:
    """Return an array of a fixed-width type over `values`, without copying them.

    What lies in `values` where there is NULL is made 0, so that it is always the same.
    """
    if null is not None:
        values[null] = 0
    return pa.Array.from_buffers(kind, len(values), [validity(null), pa.py_buffer(values)])


def without(lost: Mask, null: Mask | None) -> tuple[Mask | None, Mask | None]:
    """Return which rows are NULL now that some are lost, and which of them are."""
    if null is not None:
        lost &= ~null
    if not lost.any():
        return null, None
    return (lost if null is None else null | lost), lost

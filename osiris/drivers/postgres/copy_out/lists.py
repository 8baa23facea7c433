"""Arrays: their elements decoded together as one column, then cut into lists.

An array is its number of dimensions, whether it has NULLs, its elements' type, for every dimension
its length and first index, and the elements, each with its length before it: 4 bytes each.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from osiris.drivers.postgres.copy_out.cells import (
    LENGTH,
    Cells,
    Decoded,
    Decoder,
    Mask,
    UnreadableValueError,
    big_endian,
    validity,
)
from osiris.drivers.postgres.wire.message_starts import Offsets
from osiris.drivers.postgres.wire.messages import MalformedMessageError

_HEADER: Final = 12
_ELEMENTS_FROM: Final = 20  # behind the one dimension that is read


def list_decoder(element: Decoder, kind: pa.DataType) -> Decoder:
    """Return what decodes arrays of one dimension whose elements `element` decodes."""

    def decode(cells: Cells) -> Decoded:
        offsets = np.zeros(len(cells.at) + 1, np.int32)
        counts = _counts(cells)
        np.cumsum(counts, out=offsets[1:])
        inner = _elements(cells, counts, offsets)
        values, lost = element(inner)
        buffers = [validity(cells.null), pa.py_buffer(offsets)]
        lists = pa.Array.from_buffers(kind, len(cells.at), buffers, children=[values])
        return Decoded(lists, None if lost is None else _any_of(lost, counts))

    return decode


def _counts(cells: Cells) -> Offsets:
    """Return the number of elements of every array."""
    dimensions = big_endian(cells.data, "i4", cells.at).astype(np.int64)
    if cells.null is not None:
        dimensions[cells.null] = 0
    if (dimensions > 1).any():
        raise UnreadableValueError(f"holds an array of {dimensions.max()} dimensions")
    short = cells.size < np.where(dimensions > 0, _ELEMENTS_FROM, _HEADER)
    if cells.null is not None:
        short &= ~cells.null
    if short.any() or (dimensions < 0).any():
        raise MalformedMessageError("an array is cut off")
    at = np.where(dimensions > 0, cells.at + _HEADER, cells.at)
    counts = big_endian(cells.data, "i4", at).astype(np.int64)
    counts[dimensions == 0] = 0
    if (counts < 0).any() or (counts * LENGTH > cells.size).any():
        raise MalformedMessageError("an array has more elements than bytes")
    return counts


def _elements(
    cells: Cells, counts: Offsets, offsets: "np.ndarray[tuple[int], np.dtype[np.int32]]"
) -> Cells:
    """Return the elements of all arrays as one column, in order."""
    total = int(counts.sum())
    at, size = np.empty(total, np.int64), np.empty(total, np.int64)
    going = np.flatnonzero(counts)
    position = cells.at[going] + _ELEMENTS_FROM
    end = cells.at + cells.size
    index = 0
    while len(going):
        if (position + LENGTH > end[going]).any():
            raise MalformedMessageError("an array goes beyond its field")
        place = offsets[going] + index
        length = big_endian(cells.data, "i4", position).astype(np.int64)
        at[place], size[place] = position + LENGTH, length
        position = position + LENGTH + np.maximum(length, 0)
        if (position > end[going]).any():
            raise MalformedMessageError("an array goes beyond its field")
        index += 1
        more = counts[going] > index
        going, position = going[more], position[more]
    null = size < 0
    size[null] = 0
    return Cells(cells.data, at, size, null if null.any() else None)


def _any_of(lost: Mask, counts: Offsets) -> Mask:
    """Return which arrays have an element that is lost."""
    owner = np.repeat(np.arange(len(counts)), counts)
    found = np.zeros(len(counts), np.bool_)
    found[owner[lost]] = True
    return found

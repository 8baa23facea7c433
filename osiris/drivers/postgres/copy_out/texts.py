"""Texts and bytes: copied out of the rows, checked to be UTF-8 where they are texts."""

from typing import Final

import numpy as np
import pyarrow as pa

from osiris.drivers.postgres.copy_out.cells import (
    SLICE_ROWS,
    Cells,
    Decoded,
    UnreadableValueError,
    fixed_array,
    validity,
)
from osiris.drivers.postgres.wire.messages import MalformedMessageError

_JSONB_FORMAT: Final = 1
_UUID_BYTES: Final = 16
_UUID_TEXT: Final = 36
_DASHES: Final = (8, 13, 18, 23)
_MOST_BYTES: Final = (1 << 31) - 1  # Arrow's offsets of strings are 32-bit

_hexadecimal: Final = np.frombuffer(bytes(range(256)).hex().encode(), np.uint8).reshape(256, 2)
_digit_places: Final = np.delete(np.arange(_UUID_TEXT), _DASHES)


def decode_bytes(cells: Cells) -> Decoded:
    """Decode bytea into binary."""
    return Decoded(_copied(cells))


def decode_text(cells: Cells) -> Decoded:
    """Decode any of the types that are sent as their text into string."""
    return Decoded(_as_strings(_copied(cells)))


def decode_jsonb(cells: Cells) -> Decoded:
    """Decode jsonb, a text after the number of its format, into string."""
    present = cells.data[cells.at] if cells.null is None else cells.data[cells.at[~cells.null]]
    if (present != _JSONB_FORMAT).any():
        raise MalformedMessageError("a jsonb has a format that is not known")
    behind = Cells(cells.data, cells.at + 1, np.maximum(cells.size - 1, 0), cells.null)
    return decode_text(behind)


def decode_uuid(cells: Cells) -> Decoded:
    """Decode uuid into its text, 36 characters long."""
    cells.must_have(_UUID_BYTES)
    raw = cells.data[cells.at[:, None] + np.arange(_UUID_BYTES)]
    written = np.full((len(cells.at), _UUID_TEXT), ord("-"), np.uint8)
    written[:, _digit_places] = _hexadecimal[raw].reshape(-1, 2 * _UUID_BYTES)
    sizes = np.full(len(cells.at), _UUID_TEXT, np.int32)
    if cells.null is not None:
        written = written[~cells.null]
        sizes[cells.null] = 0
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    buffers = [validity(cells.null), pa.py_buffer(offsets), pa.py_buffer(written.ravel())]
    return Decoded(pa.Array.from_buffers(pa.string(), len(sizes), buffers))


def decode_bool(cells: Cells) -> Decoded:
    """Decode bool."""
    cells.must_have(1)
    values = cells.data[cells.at]
    if cells.null is not None:
        values[cells.null] = 0
    bits = pa.py_buffer(np.packbits(values, bitorder="little"))
    buffers = [validity(cells.null), bits]
    return Decoded(pa.Array.from_buffers(pa.bool_(), len(values), buffers))


def _copied(cells: Cells) -> pa.Array:
    """Return a binary array with copies of the cells' bytes.

    `data` itself becomes an array of cells and of the gaps between them, without copying; Arrow
    then takes every second element of it, which copies just the cells.
    """
    count = len(cells.at)
    if not count:
        return pa.array([], pa.binary())
    if len(cells.data) > _MOST_BYTES:
        raise UnreadableValueError("is in a row of more than 2 GiB")
    offsets = np.empty(2 * count, np.int32)
    offsets[0::2] = cells.at
    offsets[1::2] = cells.at + cells.size
    with_gaps = pa.Array.from_buffers(
        pa.binary(), 2 * count - 1, [None, pa.py_buffer(offsets), pa.py_buffer(cells.data)]
    )
    taken = with_gaps.take(_every_second[:count] if count <= SLICE_ROWS else _evens(count))
    if cells.null is None:
        return taken
    buffers = [validity(cells.null), *taken.buffers()[1:]]
    return pa.Array.from_buffers(pa.binary(), count, buffers)


def _evens(count: int) -> pa.Array:
    # Not `pa.array`, which would import numpy.ma first.
    return fixed_array(np.arange(0, 2 * count, 2, dtype=np.int32), pa.int32(), None)


_every_second: Final = _evens(SLICE_ROWS)


def _as_strings(values: pa.Array) -> pa.Array:
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise UnreadableValueError(f"cannot be read as text: {error}") from error

"""Arrow columns as the rows of COPY BINARY, without a Python object for any value.

https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". Each row is made of pieces:
neighbouring fixed-width fields are one piece, made by numpy; a text or a field with NULLs is a
piece of its own. Arrow joins the pieces of all rows, and the memory of the joined column is what
the server gets.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from osiris.drivers.postgres.binary_values import FIXED, Values, variable
from osiris.drivers.postgres.column_types import PostgresType

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""Signature, flags, length of the extension."""
TRAILER: Final = b"\xff\xff"
"""A row of -1 fields: the end."""

_LENGTH: Final = ">i4"
"""What stands before a value: its bytes, -1 for NULL."""
_CHUNK_BYTES: Final = 4 << 20
_NOTHING: Final = pa.scalar(b"", pa.large_binary())
_NULL: Final = pa.scalar(b"\xff\xff\xff\xff", pa.large_binary())
_ARRAY_HEAD: Final = 5


def copy_rows(
    arrays: Sequence[pa.Array], types: Sequence[PostgresType], rows: int, most: int | None = None
) -> Iterator[pa.Buffer]:
    """Yield the rows in chunks of a few MB and `most` rows, or of one row where it is larger."""
    size = sum(array.nbytes for array in arrays)
    step = min(max(1, rows * _CHUNK_BYTES // max(size, 1)), most or rows or 1)
    for start in range(0, rows, step):
        count = min(step, rows - start)
        pieces = _Pieces(count)
        pieces.fixed(len(arrays), ">i2")
        for array, column in zip(arrays, types, strict=True):
            _add_field(pieces, array[start : start + count], column)
        yield pieces.joined().buffers()[2]


class _Pieces:
    """The pieces of rows so far; those of fixed width wait for their neighbours."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._made: list[pa.Array] = []
        self._waiting: list[tuple[Values | int, Any]] = []

    def fixed(self, values: Values | int, kind: Any) -> None:
        """Add a piece of the same width in every row: values or one value, as numpy's `kind`."""
        self._waiting.append((values, kind))

    def varying(self, piece: pa.Array) -> None:
        """Add a piece of large binary, no NULL in it."""
        self._flush()
        self._made.append(piece)

    def joined(self) -> pa.Array:
        """Return every row's pieces in one."""
        self._flush()
        if len(self._made) == 1:
            return self._made[0]
        return pc.binary_join_element_wise(*self._made, _NOTHING)

    def _flush(self) -> None:
        if self._waiting:
            self._made.append(_records(self._waiting, self.rows))
            self._waiting = []


def _records(fields: Sequence[tuple[Values | int, Any]], rows: int) -> pa.Array:
    """Return fields side by side, a large binary for each row."""
    together = np.empty(rows, [(f"f{n}", kind) for n, (_, kind) in enumerate(fields)])
    for n, (values, _) in enumerate(fields):
        together[f"f{n}"] = values
    return _binary(np.arange(rows + 1, dtype=np.int64) * together.itemsize, together)


def _binary(ends: npt.NDArray[Any], data: npt.NDArray[Any]) -> pa.Array:
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.large_binary(), len(ends) - 1, buffers)


def _add_field(pieces: _Pieces, array: pa.Array, column: PostgresType) -> None:
    if array.null_count == len(array):
        pieces.fixed(-1, _LENGTH)
    elif column.wire in FIXED:
        _add_fixed(pieces, array, FIXED[column.wire](array))
    else:
        made = _array_values(array, column) if column.wire == "array" else variable(array, column)
        sizes = pc.fill_null(pc.binary_length(made), -1)
        pieces.fixed(sizes.to_numpy(zero_copy_only=False), _LENGTH)
        pieces.varying(pc.fill_null(made, _NOTHING) if made.null_count else made)


def _add_fixed(pieces: _Pieces, array: pa.Array, values: Values) -> None:
    kind = (values.dtype.newbyteorder(">"), values.shape[1:])
    width = kind[0].itemsize * int(np.prod(values.shape[1:]))
    if not array.null_count:
        pieces.fixed(width, _LENGTH)
        pieces.fixed(values, kind)
        return
    field = _records([(width, _LENGTH), (values, kind)], len(array))
    pieces.varying(pc.if_else(array.is_valid(), field, _NULL))


def _array_values(array: pa.Array, column: PostgresType) -> pa.Array:
    """Return one-dimensional arrays in the form of `array_send`, NULL where the array is."""
    element = column.element
    assert isinstance(element, PostgresType)  # noqa: S101 - the only kind that makes a list here
    inner = pc.list_flatten(array)
    pieces = _Pieces(len(inner))
    _add_field(pieces, inner, element)
    data = pieces.joined()
    counts = pc.fill_null(pc.list_value_length(array), 0).to_numpy()
    last = np.zeros(len(array) + 1, np.int64)
    np.cumsum(counts, out=last[1:])
    elements = np.frombuffer(data.buffers()[1], np.int64)[: len(inner) + 1]
    body = pa.Array.from_buffers(
        pa.large_binary(), len(array), [None, pa.py_buffer(elements[last]), data.buffers()[2]]
    )
    heads = _array_heads(counts, element.oid, nulls=inner.null_count > 0)
    made = pc.binary_join_element_wise(heads, body, _NOTHING)
    return pc.if_else(array.is_valid(), made, pa.scalar(None, pa.large_binary()))


def _array_heads(counts: npt.NDArray[Any], oid: int, *, nulls: bool) -> pa.Array:
    """Return dimensions, whether NULL occurs, the element's type, length and first index.

    An array without elements has no dimension, so it ends after the type.
    """
    heads = np.empty((len(counts), _ARRAY_HEAD), ">i4")
    heads[:, 0] = counts > 0
    heads[:, 1] = nulls
    heads[:, 2], heads[:, 3], heads[:, 4] = oid, counts, 1
    kept = np.ones(heads.shape, bool)
    kept[:, 3:] = (counts > 0)[:, None]
    ends = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(kept.sum(axis=1) * heads.itemsize, out=ends[1:])
    return _binary(ends, heads[kept])

"""How many bytes each row of a batch takes, told from its values alone."""

import pyarrow as pa
import pyarrow.compute as pc

_UNKNOWN = 16
"""Bytes counted for a value whose type says nothing about its size."""


def row_sizes(batch: pa.RecordBatch) -> pa.Array:
    """Return the bytes of every row, about as it lies in memory; never more than `nbytes` in all.

    The same row has the same size in whatever batch it comes, unlike `RecordBatch.nbytes`.
    """
    total = _constant(batch.num_rows, 0)
    for column in batch.columns:
        total = pc.add(total, _sizes(column))
    return total


def _sizes(column: pa.Array) -> pa.Array:
    types, kind = pa.types, column.type
    if isinstance(column, pa.ExtensionArray):
        return _sizes(column.storage)
    if types.is_struct(kind):
        total = _constant(len(column), 0)
        for place in range(kind.num_fields):
            total = pc.add(total, _sizes(column.field(place)))
        return total
    if types.is_list(kind) or types.is_large_list(kind) or types.is_map(kind):
        return _list_sizes(column)
    if types.is_string(kind) or types.is_binary(kind) or _is_large(kind):
        return pc.fill_null(pc.binary_length(column), 0).cast(pa.int64())
    return _constant(len(column), _width(kind))


def _list_sizes(column: pa.Array) -> pa.Array:
    offsets = column.offsets.cast(pa.int64())
    first = offsets[0].as_py()
    inner = column.keys if pa.types.is_map(column.type) else column.values
    sizes = _sizes(inner.slice(first, offsets[-1].as_py() - first))
    if pa.types.is_map(column.type):
        items = column.items.slice(first, offsets[-1].as_py() - first)
        sizes = pc.add(sizes, _sizes(items))
    ends = pa.concat_arrays([_constant(1, 0), pc.cumulative_sum(sizes)])
    at = ends.take(pc.subtract(offsets, first))
    return pc.subtract(at.slice(1), at.slice(0, len(column)))


def _is_large(kind: pa.DataType) -> bool:
    return bool(pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


def _width(kind: pa.DataType) -> int:
    try:
        return int(kind.bit_width) // 8
    except ValueError:
        return _UNKNOWN


def _constant(rows: int, value: int) -> pa.Array:
    return pa.repeat(pa.scalar(value, pa.int64()), rows)

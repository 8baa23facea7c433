"""The types in which a table from Parquet files is handed on, and those DuckDB reads alike.

Every column comes in the Arrow type its file stores, but a dictionary as the type of its values,
a UUID as text, and another extension type as what it is stored as.
"""

import uuid

import pyarrow as pa

from osiris.core.errors import DataError
from osiris.core.nested_types import with_inner_types


def table_schema(stored: pa.Schema) -> pa.Schema:
    """Return the schema in which a table stored with the given one is handed on."""
    return pa.schema([pa.field(f.name, _handed_on(f.type), f.nullable) for f in stored])


def table_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch of a file in a schema from `table_schema`."""
    columns = [_column(column, field) for column, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _handed_on(kind: pa.DataType) -> pa.DataType:
    if isinstance(kind, pa.UuidType):
        return pa.string()
    if isinstance(kind, pa.BaseExtensionType):
        return _handed_on(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _handed_on(kind.value_type)
    return with_inner_types(kind, _handed_on)


def _column(column: pa.Array, field: pa.Field) -> pa.Array:
    if isinstance(column.type, pa.UuidType):
        texts = [None if raw is None else str(uuid.UUID(bytes=raw)) for raw in _stored(column)]
        return pa.array(texts, pa.string())
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if column.type.equals(field.type):
        return column
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"column {field.name!r}: {column.type} cannot be handed on as {field.type}: {error}",
            hint="leave the column out with the step's `columns`",
        ) from error


def _stored(column: pa.Array) -> list[bytes | None]:
    values: list[bytes | None] = column.storage.to_pylist()
    return values


def read_alike_by_duckdb(kind: pa.DataType) -> bool:
    """Tell whether DuckDB makes the same of the stored type and of the one that is handed on."""
    types = pa.types
    if types.is_struct(kind):
        return all(read_alike_by_duckdb(field.type) for field in kind)
    if types.is_list(kind):
        return read_alike_by_duckdb(kind.value_type)
    if types.is_decimal128(kind):
        return bool(kind.scale >= 0)
    return kind in _ALIKE


_ALIKE = frozenset(
    {
        pa.bool_(),
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
        *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.float32(), pa.float64()),
        *(pa.string(), pa.large_string(), pa.string_view()),
        *(pa.binary(), pa.large_binary(), pa.binary_view()),
        *(pa.date32(), pa.time64("us"), pa.timestamp("us"), pa.timestamp("us", "UTC")),
        *(pa.time64("ns"), pa.timestamp("ns")),
    }
)

"""How a table stands in a Parquet file: in Arrow's own types but for those it has no place for.

The Arrow schema is stored in the file, so that reading gives back the types written, except

| Arrow | in the file, and read back as |
|---|---|
| dictionary, run-end encoded | the type of their values |
| timestamp[s], time32[s] | timestamp[ms], time32[ms] |
| date64 | date32; an error for a value that is no whole day |
| decimal with a negative scale | the decimal of scale 0 that holds it |
| month_day_nano_interval, union, struct without fields, fixed_size_binary[0] | an error |

A duration is an integer to readers that do not know Arrow's schema.
"""

import pyarrow as pa
import pyarrow.compute as pc

from osiris.core.errors import DataError
from osiris.core.nested_types import types_in, with_inner_types

_MOST_DIGITS = 76


def stored_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema in which a table is written; raise `DataError` for what cannot be."""
    if not schema.names:
        raise DataError(
            "a table without columns cannot be written as Parquet",
            hint="select at least one column",
        )
    return pa.schema([_stored_field(field) for field in schema])


def stored_batch(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch in a schema from `stored_schema`; raise `DataError` for what is lost."""
    if batch.schema.equals(schema, check_metadata=True):
        return batch
    columns = [
        _stored_column(column, field) for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _stored_column(column: pa.Array, field: pa.Field) -> pa.Array:
    if column.type == field.type:
        return column
    if pa.types.is_run_end_encoded(column.type):
        column = pc.run_end_decode(column)
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"column {field.name!r}: a value of type {column.type} does not fit {field.type}, "
            f"which is what Parquet has for it: {error}",
            hint="change the column's type where it is read, for instance with CAST in its query",
        ) from error


def _stored_field(field: pa.Field) -> pa.Field:
    refused = next((str(kind) for kind in types_in(field.type) if _has_no_place(kind)), None)
    if refused is not None:
        raise DataError(
            f"column {field.name!r}: Parquet has no type for {refused}",
            hint="make it a text where it is read, for instance with CAST(… AS VARCHAR)",
        )
    return pa.field(field.name, _stored(field.type), field.nullable)


def _has_no_place(kind: pa.DataType) -> bool:
    types = pa.types
    return (
        types.is_interval(kind)
        or types.is_union(kind)
        or (types.is_struct(kind) and not kind.num_fields)
        or (types.is_fixed_size_binary(kind) and not kind.byte_width)
        or (types.is_decimal(kind) and kind.precision - min(kind.scale, 0) > _MOST_DIGITS)
    )


def _stored(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return _stored(kind.value_type)
    if types.is_timestamp(kind) and kind.unit == "s":
        return pa.timestamp("ms", kind.tz)
    if types.is_time32(kind):
        return pa.time32("ms")
    if types.is_date64(kind):
        return pa.date32()
    if types.is_decimal(kind) and kind.scale < 0:
        digits = kind.precision - kind.scale
        return pa.decimal128(digits, 0) if digits <= 38 else pa.decimal256(digits, 0)  # noqa: PLR2004 - the most that fit into 128 bits
    return with_inner_types(kind, _stored)

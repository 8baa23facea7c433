"""Types on the way into DuckDB and out of it, without losing anything.

In: what DuckDB has no type for becomes the nearest type that holds every value, or an error.

| Arrow | for DuckDB |
|---|---|
| decimal256(p,s), decimal128 with a negative scale | decimal(38,s), an error for more digits |
| float16 | float |
| duration, timestamp with a zone in s, ms or ns | in µs, an error for a fraction of one |

Out: every type as DuckDB gives it, but

| DuckDB | Arrow |
|---|---|
| ENUM | string |
| HUGEINT | decimal128(38,0) |
| UUID, JSON | string |
| INTERVAL | month_day_nano_interval; its time part reaches ±292 years |
| TIMESTAMPTZ | timestamp[us, UTC] |
| BIT, UHUGEINT, BIGNUM, TIMETZ, UNION, VARIANT | an error: Arrow has nothing that holds them |
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from osiris.core.errors import ConfigError, DataError
from osiris.core.nested_types import with_inner_types

_NO_ARROW_TYPE = {"bit", "uhugeint", "bignum", "time with time zone", "union", "variant"}
_MOST_DIGITS = 38


def check_result(names: list[str], types: list[Any]) -> None:
    """Raise `ConfigError` for a result that is no table: doubled names, types Arrow cannot hold."""
    folded = [name.casefold() for name in names]
    doubled = sorted({name for name in names if folded.count(name.casefold()) > 1})
    if doubled:
        raise ConfigError(
            f"the query returns several columns named {', '.join(doubled)}",
            hint="give each column a name of its own with AS",
        )
    for name, kind in zip(names, types, strict=True):
        refused = sorted(_NO_ARROW_TYPE.intersection(_type_ids(kind)))
        if refused:
            raise ConfigError(
                f"column {name!r} has the type {kind}, which cannot leave DuckDB exactly",
                hint=f"CAST what is {refused[0].upper()} to VARCHAR",
            )


def _type_ids(kind: Any) -> Iterator[str]:
    """Yield the ids of a DuckDB type and of all types inside it."""
    yield kind.id
    if kind.id in {"list", "array", "struct", "map", "union"}:
        for _, inner in kind.children:
            if hasattr(inner, "id"):
                yield from _type_ids(inner)


def exact_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema that `exact_batches` gives: dictionaries decoded, also inside others."""
    return pa.schema([pa.field(f.name, _decoded(f.type), f.nullable) for f in schema])


def exact_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches with every column in its exact type."""
    for batch in batches:
        yield _cast(batch, exact_schema(batch.schema))


def _decoded(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return kind.value_type
    return with_inner_types(kind, _decoded)


def accepted_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema in which DuckDB takes a table of the given one."""
    return pa.schema([pa.field(f.name, _accepted(f.type), f.nullable) for f in schema])


def accepted_batches(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the batches in a schema from `accepted_schema`; raise `DataError` for what is lost."""
    for batch in batches:
        yield _cast(batch, schema)


def _accepted(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_decimal256(kind) or (types.is_decimal128(kind) and kind.scale < 0):
        return pa.decimal128(_MOST_DIGITS, max(kind.scale, 0))
    if types.is_float16(kind):
        return pa.float32()
    if types.is_duration(kind):
        return pa.duration("us")
    if types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp("us", kind.tz)
    return kind


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    if batch.schema.types == schema.types:
        return batch
    columns = [
        _cast_column(column, field) for column, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast_column(column: pa.Array, field: pa.Field) -> pa.Array:
    if column.type == field.type:
        return column
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid as error:
        raise DataError(
            f"column {field.name!r}: a value of type {column.type} does not fit {field.type}, "
            f"the largest that DuckDB has: {error}",
            hint="change the column's type where it is read, for instance with CAST in its query",
        ) from error

"""What DuckDB's result types become in Arrow, without losing anything.

ENUM comes as a dictionary and becomes string; HUGEINT comes as decimal(38,0), BIT as binary, UUID
and JSON as string, INTERVAL as months, days and nanoseconds. Everything else keeps its type.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa


def exact_schema(schema: pa.Schema) -> pa.Schema:
    """Return the schema that `exact_batches` gives."""
    return pa.schema([pa.field(f.name, _kept(f.type), f.nullable) for f in schema])


def exact_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches with every column in its exact type."""
    for batch in batches:
        schema = exact_schema(batch.schema)
        if schema == batch.schema:
            yield batch
        else:
            pairs = zip(batch.columns, schema, strict=True)
            yield pa.RecordBatch.from_arrays([c.cast(f.type) for c, f in pairs], schema=schema)


def _kept(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind

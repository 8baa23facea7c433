"""The first rows of a table that is read as a stream."""

import pyarrow as pa


def first_rows(reader: pa.RecordBatchReader, rows: int) -> pa.Table:
    """Return at most `rows` rows and let go of the rest."""
    with reader:
        found, batches = 0, []
        while found < rows and (batch := next(reader, None)) is not None:
            batches.append(batch.slice(0, rows - found))
            found += batches[-1].num_rows
    return pa.Table.from_batches(batches, schema=reader.schema)

"""Writing a table as Parquet."""

from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from osiris.core.atomic_file import AtomicFile
from osiris.core.stream import TableStream

_ROW_GROUP = 128 * 1024


def write_parquet(file: AtomicFile, stream: TableStream) -> int:
    """Write a table as Parquet (zstd) and return its rows.

    Row groups hold the same rows however the table came in batches, so the same table makes the
    same bytes.
    """
    rows = 0
    sink: IO[bytes] = pa.PythonFile(file, "w")
    with pq.ParquetWriter(sink, stream.schema, compression="zstd") as writer:
        waiting: list[pa.RecordBatch] = []
        held = 0
        for batch in stream:
            rows += batch.num_rows
            waiting.append(batch)
            held += batch.num_rows
            while held >= _ROW_GROUP:
                table = pa.Table.from_batches(waiting, schema=stream.schema)
                writer.write_table(table.slice(0, _ROW_GROUP), row_group_size=_ROW_GROUP)
                waiting = table.slice(_ROW_GROUP).to_batches()
                held -= _ROW_GROUP
        if held or not rows:
            writer.write_table(pa.Table.from_batches(waiting, schema=stream.schema))
    return rows

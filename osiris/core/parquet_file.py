"""Writing a table as Parquet: the same bytes however it came in batches, in constant memory."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from osiris.core.atomic_file import AtomicFile
from osiris.core.parquet_types import stored_batch, stored_schema
from osiris.core.row_sizes import row_sizes
from osiris.core.stream import TableStream

ROW_GROUP_ROWS = 128 * 1024
_ROW_GROUP_BYTES = 64 * 1024 * 1024
"""A row group ends with the row that makes it larger than this in memory."""

_DICTIONARY_BYTES = 128 * 1024
"""What the different values of a column may take, in a row group, to be kept as a dictionary.

Columns with more are cheaper to write plain, and no larger: at Parquet's usual 1 MiB a table with
long texts took three times as long.
"""


@dataclass(frozen=True)
class ParquetOptions:
    """How a table is written down; a row group has at most `row_group_size` rows."""

    compression: Literal["zstd", "snappy", "gzip", "none"] = "zstd"
    row_group_size: int = ROW_GROUP_ROWS
    statistics: bool = True


class ParquetSink:
    """Takes the batches of a table and writes them to a file, a row group at a time.

    A full row group is written by a thread of its own while the next one comes in.
    Leaving the `with` block completes the file. Where a row group and a page end depends on the
    rows alone. Raises `DataError` for types and values that `core.parquet_types` has no place for.
    """

    def __init__(self, file: AtomicFile, schema: pa.Schema, options: ParquetOptions) -> None:
        self._schema = stored_schema(schema)
        self._options = options
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0
        self._bytes = 0
        self._begun = False
        self._thread = ThreadPoolExecutor(1, "parquet")
        self._writing: Future[None] | None = None
        sink: IO[bytes] = pa.PythonFile(file, "w")
        self._writer = pq.ParquetWriter(
            sink,
            self._schema,
            compression=options.compression,
            write_statistics=options.statistics,
            write_page_checksum=True,
            dictionary_pagesize_limit=_DICTIONARY_BYTES,
        )

    def write(self, batch: pa.RecordBatch) -> None:
        """Take a batch; write the row groups that are full."""
        batch = stored_batch(batch, self._schema)
        while batch.num_rows:
            room = self._room(batch)
            self._take(batch.slice(0, room))
            batch = batch.slice(room)

    def __enter__(self) -> Self:
        """Return the sink."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write what is left, and the footer; after an error only let go of the file."""
        with self._thread:
            if kind is not None:
                with suppress(Exception):  # the error that is on its way says what went wrong
                    self._wait()
                with suppress(Exception):  # as above
                    self._writer.close()
                return
            if self._rows or not self._begun:
                self._write_group()
            self._wait()
            self._writer.close()

    def _room(self, batch: pa.RecordBatch) -> int:
        """Return how many rows of the batch belong to the row group that is being filled."""
        most = self._options.row_group_size - self._rows
        if self._bytes + batch.nbytes <= _ROW_GROUP_BYTES:
            return min(most, int(batch.num_rows))
        ends = pc.cumulative_sum(row_sizes(batch.slice(0, most)))
        left = _ROW_GROUP_BYTES - self._exact_bytes()
        fitting = pc.sum(pc.less_equal(ends, left)).as_py()
        return min(most, int(batch.num_rows), int(fitting) + 1)

    def _exact_bytes(self) -> int:
        return sum(int(pc.sum(row_sizes(batch)).as_py()) for batch in self._waiting)

    def _take(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        if self._rows >= self._options.row_group_size:
            self._write_group()
        elif self._bytes > _ROW_GROUP_BYTES:
            self._bytes = self._exact_bytes()
            if self._bytes > _ROW_GROUP_BYTES:
                self._write_group()

    def _write_group(self) -> None:
        batches, self._waiting = self._waiting, []
        self._rows, self._bytes, self._begun = 0, 0, True
        self._wait()
        self._writing = self._thread.submit(self._put, batches)

    def _put(self, batches: list[pa.RecordBatch]) -> None:
        # In one piece: where the writer ends a page would depend on the pieces otherwise.
        table = pa.Table.from_batches(batches, schema=self._schema).combine_chunks()
        batches.clear()
        self._writer.write_table(table, row_group_size=self._options.row_group_size)

    def _wait(self) -> None:
        """Wait for the row group that is being written; raise what went wrong with it."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()


def write_parquet(file: AtomicFile, stream: TableStream) -> int:
    """Write a whole table with the default options and return its rows."""
    with ParquetSink(file, stream.schema, ParquetOptions()) as sink:
        for batch in stream:
            sink.write(batch)
    return stream.rows

"""The data between two steps: an Arrow schema and record batches, readable once."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa

from osiris.core.errors import DataError


@runtime_checkable
class ArrowStreamable(Protocol):
    """Anything that speaks the Arrow C stream interface (Arrow PyCapsule protocol)."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return a PyCapsule named `arrow_array_stream`."""


@runtime_checkable
class Scan(ArrowStreamable, Protocol):
    """A table that lies somewhere and can be read again at will, also by DuckDB itself.

    A driver returns one instead of batches so that a consumer that speaks SQL can read the source
    in its own engine, without a row passing through Python. Every other consumer just streams it.
    """

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the table."""

    @property
    def sql(self) -> str:
        """A DuckDB `SELECT` that reads the table, no parameters, no other relation in it."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The absolute paths of the files that the SQL reads."""

    def head(self) -> pa.RecordBatchReader:
        """Stream the table for someone who will stop after the first rows: nothing read ahead."""

    def count(self, used: Collection[str] | None = None) -> int:
        """Return the number of rows, by reading the source; raise what is wrong with it.

        `used` are columns that `sql` takes from the source, by their names there, when it does not
        matter what is in the others.
        """

    def verify(self) -> None:
        """Raise when the source is not what it was when it was offered; ask when it was read."""

    def explain(self, error: Exception) -> Exception | None:
        """Return the source's own error when `error`, raised by a reader, is the source's fault.

        None when the source is sound. If `sql` is another text afterwards, the reader should try
        once more with that: the source is hard to read, not broken.
        """


class TableStream:
    """One input of a step: iterate over it once, or hand it to anything that takes Arrow streams.

    Attributes:
        schema: the Arrow schema; every batch has exactly this schema.
        source: id of the step that makes the table.
        rows: rows handed out so far.
        complete: whether the table was read to its end.
        scan: a re-readable source to use instead of iterating, or None. Who uses it must call
            `scanned(rows)` with the number of rows the source has.
        error: what ended the iteration early, if anything did.
        on_batch: told the rows and bytes of every batch handed out.

    """

    def __init__(
        self,
        schema: pa.Schema,
        batches: Iterable[pa.RecordBatch],
        *,
        source: str = "",
        scan: Scan | None = None,
    ) -> None:
        self.schema = schema
        self.source = source
        self.scan = scan
        self.rows = 0
        self.complete = False
        self.error: BaseException | None = None
        self.on_batch: Callable[[int, int], None] | None = None
        self._iterator = iter(batches)
        self._taken = False

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Hand out the batches; a second iteration raises `RuntimeError`."""
        if self._taken:
            msg = f"the table from step {self.source!r} can be read once only"
            raise RuntimeError(msg)
        self._taken = True
        return self.rest()

    def rest(self) -> Iterator[pa.RecordBatch]:
        """Hand out the batches that were not taken yet."""
        while True:
            try:
                batch = next(self._iterator, None)
            except BaseException as error:
                self.error = error
                raise
            if batch is None:
                self.complete = True
                return
            self.rows += batch.num_rows
            if self.on_batch is not None:
                self.on_batch(batch.num_rows, batch.nbytes)
            yield batch

    def close(self) -> None:
        """Let go of what the rest of the table would have come from."""
        end = getattr(self._iterator, "close", None)
        if end is not None:
            end()

    def scanned(self, rows: int) -> None:
        """Record that the whole source was read through `scan`."""
        self.rows = rows
        self.complete = True

    def reader(self) -> pa.RecordBatchReader:
        """Return the stream as a pyarrow reader."""
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Hand the stream to another Arrow library."""
        return self.reader().__arrow_c_stream__(requested_schema)

    def to_table(self) -> pa.Table:
        """Read everything into memory."""
        return pa.Table.from_batches(iter(self), schema=self.schema)

    def to_pandas(self, **options: Any) -> Any:
        """Read everything into a pandas DataFrame (pandas must be installed)."""
        return self.to_table().to_pandas(**options)


def as_reader(output: object, *, what: str) -> pa.RecordBatchReader:
    """Return what a driver gave back as a reader: an Arrow stream or a pandas DataFrame.

    Raises `DataError` for anything else.
    """
    if isinstance(output, pa.RecordBatchReader):
        return output
    if isinstance(output, ArrowStreamable):
        return pa.RecordBatchReader.from_stream(output)
    if type(output).__module__.partition(".")[0] == "pandas":
        return pa.Table.from_pandas(output, preserve_index=False).to_reader()
    raise DataError(
        f"{what} returned a {type(output).__qualname__}, which is no table",
        hint="return an object with __arrow_c_stream__ or a pandas DataFrame",
    )

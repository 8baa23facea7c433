"""A step's rows from a database, by one query or by several at once, and what was read as NULL."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import pyarrow as pa

from osiris.core.cancel import CancelToken
from osiris.core.driver import DriverContext
from osiris.core.events import DataWarning
from osiris.core.metrics import MetricName
from osiris.core.partitions import PartitionedReading


class Reader(Protocol):
    """A query on its way."""

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the result."""

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """Yield the rows."""


R = TypeVar("R", bound=Reader)
Warnings = Callable[[Sequence[R]], Iterable[DataWarning]]
"""Says, when all rows are read, which values the readers gave as NULL."""


def read_whole(reader: R, warnings: Warnings[R], ctx: DriverContext) -> pa.RecordBatchReader:
    """Return the rows of one query as they come."""
    rows = _reported([reader], reader.batches(), warnings, ctx)
    return pa.RecordBatchReader.from_batches(reader.schema, rows)


def read_in_parts(
    opened: Callable[[CancelToken], Sequence[R]], warnings: Warnings[R], ctx: DriverContext
) -> pa.RecordBatchReader:
    """Return the rows of several queries, one after the other, which are read at the same time.

    `opened` makes their readers, which the token stops.
    """
    reading = PartitionedReading(cancelled=ctx.cancelled, spill_dir=ctx.spill_dir)
    readers = opened(reading.stop)
    schema = readers[0].schema
    parts = reading.batches(schema, [reader.batches() for reader in readers])
    rows = reading.measured(_reported(readers, parts, warnings, ctx), ctx.log_metric)
    return pa.RecordBatchReader.from_batches(schema, rows)


def _reported(
    readers: Sequence[R],
    batches: Iterator[pa.RecordBatch],
    warnings: Warnings[R],
    ctx: DriverContext,
) -> Iterator[pa.RecordBatch]:
    """Pass the rows on, then tell which values were read as NULL."""
    yield from batches
    count = 0
    for warning in warnings(readers):
        ctx.log_event(warning)
        count += warning.count
    if count:
        ctx.log_metric(MetricName.VALUES_NULLED, count)

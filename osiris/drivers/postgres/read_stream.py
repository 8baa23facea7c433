"""Reading what a step's config names, through a connection to PostgreSQL, as batches."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from osiris.components.postgres_connection import PostgresConnection
from osiris.components.postgres_extractor import PostgresReading
from osiris.core.driver import DriverContext
from osiris.core.events import DataWarning
from osiris.core.metrics import MetricName
from osiris.core.partitions import PartitionedReading
from osiris.drivers.postgres.copy_out.columns import Option
from osiris.drivers.postgres.copy_out.ranges import read_ranges
from osiris.drivers.postgres.copy_out.reader import QueryReader, ReadOptions, Session
from osiris.drivers.postgres.identifiers import quoted, quoted_list


def read_stream(
    connection: PostgresConnection, config: PostgresReading, step_id: str, ctx: DriverContext
) -> pa.RecordBatchReader:
    """Connect, run the query and return its rows as they come.

    Raises `ConfigError`, `TransientStepError`, `DataError` or `SystemStepError`, here and while the
    rows are read.
    """
    options = ReadOptions(
        infinite_dates=config.infinite_dates,
        numeric_nan=config.numeric_nan,
        base_dir=ctx.base_dir,
        cancelled=ctx.cancelled,
    )
    if config.partition is not None:
        return _read_in_parts(connection, config, options, step_id, ctx)
    reader = QueryReader(Session(connection, options), query_of(config))
    rows = _reported([reader], reader.batches(), step_id, ctx)
    return pa.RecordBatchReader.from_batches(reader.schema, rows)


def query_of(config: PostgresReading, *more: str) -> str:
    """Return the configured query, or the one that reads the configured table.

    `more` are columns of the table that come after the configured ones.
    """
    if config.query is not None:
        return config.query
    columns = quoted_list((*(config.columns or ()), *more)) or "*"
    schema = "" if config.schema is None else f"{quoted(config.schema)}."
    limit = "" if config.limit is None else f" LIMIT {config.limit:d}"
    return f"SELECT {columns} FROM {schema}{quoted(config.table or '')}{limit}"


def _read_in_parts(
    connection: PostgresConnection,
    config: PostgresReading,
    options: ReadOptions,
    step_id: str,
    ctx: DriverContext,
) -> pa.RecordBatchReader:
    partition = config.partition
    assert partition is not None  # noqa: S101 - whoever calls has looked
    named = config.columns is None or partition.column in config.columns
    unread = () if named else (partition.column,)
    reading = PartitionedReading(cancelled=ctx.cancelled, spill_dir=ctx.spill_dir)
    query, options = query_of(config, *unread), replace(options, cancelled=reading.stop)
    readers = read_ranges(connection, query, partition, options, unread=len(unread))
    schema = readers[0].schema
    parts = reading.batches(schema, [reader.batches() for reader in readers])
    rows = reading.measured(_reported(readers, parts, step_id, ctx), ctx.log_metric)
    return pa.RecordBatchReader.from_batches(schema, rows)


def _reported(
    readers: Sequence[QueryReader],
    batches: Iterator[pa.RecordBatch],
    step_id: str,
    ctx: DriverContext,
) -> Iterator[pa.RecordBatch]:
    """Pass the rows on, then tell which values were read as NULL."""
    yield from batches
    lost = sum((reader.lost for reader in readers), Counter[tuple[str, Option]]())
    for (column, option), count in sorted(lost.items()):
        what = "NaN" if option == "numeric_nan" else "infinite or too distant dates or times"
        message = f"column {column!r}: {count} values ({what}) were read as NULL"
        code = f"postgres.{option}"
        ctx.log_event(DataWarning(step_id=step_id, code=code, message=message, count=count))
    if lost:
        ctx.log_metric(MetricName.VALUES_NULLED, lost.total())

"""The driver of `postgres.extractor`: one query in a read-only snapshot, streamed as batches."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.components.postgres_connection import PostgresConnection
from osiris.components.postgres_extractor import PostgresExtractorConfig
from osiris.core.discovery import Found, Wanted
from osiris.core.driver import DriverContext
from osiris.core.events import DataWarning
from osiris.core.metrics import MetricName
from osiris.core.partitions import PartitionedReading
from osiris.core.stream import TableStream
from osiris.drivers.postgres import discovery
from osiris.drivers.postgres.copy_out.columns import Option
from osiris.drivers.postgres.copy_out.ranges import read_ranges
from osiris.drivers.postgres.copy_out.reader import QueryReader, ReadOptions, Session
from osiris.drivers.postgres.identifiers import quoted, quoted_list
from osiris.drivers.postgres.rights import check_rights


class PostgresExtractorDriver:
    """Reads a table or a query; the rows come while the server still sends them."""

    def run(
        self,
        *,
        step_id: str,
        config: PostgresExtractorConfig,
        inputs: Mapping[str, TableStream],  # noqa: ARG002 - a read step has none
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Connect, run the query and return its rows as they come.

        Raises `ConfigError`, `TransientStepError`, `DataError` or `SystemStepError`, here and
        while the rows are read.
        """
        options = ReadOptions(
            infinite_dates=config.infinite_dates,
            numeric_nan=config.numeric_nan,
            base_dir=ctx.base_dir,
            cancelled=ctx.cancelled,
        )
        if config.partition is not None:
            return {"df": _read_in_parts(config, options, step_id, ctx)}
        reader = QueryReader(Session(config.connection, options), query_of(config))
        rows = _reported([reader], reader.batches(), step_id, ctx)
        return {"df": pa.RecordBatchReader.from_batches(reader.schema, rows)}

    def check_connection(self, connection: PostgresConnection, base_dir: Path) -> None:
        """Log in and look what the user may do (`osiris.core.driver.ConnectionChecker`)."""
        check_rights(connection, base_dir)

    def discover(self, connection: PostgresConnection, wanted: Wanted) -> Found:
        """Say which tables the user may see (`osiris.core.discovery.Discoverer`)."""
        return discovery.discover(connection, wanted)


def query_of(config: PostgresExtractorConfig, *more: str) -> str:
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
    config: PostgresExtractorConfig, options: ReadOptions, step_id: str, ctx: DriverContext
) -> pa.RecordBatchReader:
    partition = config.partition
    assert partition is not None  # noqa: S101 - whoever calls has looked
    named = config.columns is None or partition.column in config.columns
    unread = () if named else (partition.column,)
    reading = PartitionedReading(cancelled=ctx.cancelled, spill_dir=ctx.spill_dir)
    query, options = query_of(config, *unread), replace(options, cancelled=reading.stop)
    readers = read_ranges(config.connection, query, partition, options, unread=len(unread))
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

"""Reading what a step's config names, through a connection to PostgreSQL, as batches."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import pyarrow as pa

from osiris.components.postgres_connection import PostgresConnection
from osiris.components.postgres_extractor import PostgresReading
from osiris.core.cancel import CancelToken
from osiris.core.driver import DriverContext
from osiris.core.events import DataWarning
from osiris.drivers.postgres.copy_out.columns import Option
from osiris.drivers.postgres.copy_out.ranges import read_ranges
from osiris.drivers.postgres.copy_out.reader import QueryReader, ReadOptions, Session
from osiris.drivers.postgres.identifiers import quoted, quoted_list
from osiris.drivers.relational.reading import read_in_parts, read_whole


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
    warnings = partial(_warnings, step_id)
    if config.partition is not None:

        def opened(stop: CancelToken) -> list[QueryReader]:
            return _ranges(connection, config, replace(options, cancelled=stop))

        return read_in_parts(opened, warnings, ctx)
    reader = QueryReader(Session(connection, options), query_of(config))
    return read_whole(reader, warnings, ctx)


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


def _ranges(
    connection: PostgresConnection, config: PostgresReading, options: ReadOptions
) -> list[QueryReader]:
    """Return one reader for each range of the configured partition."""
    partition = config.partition
    assert partition is not None  # noqa: S101 - whoever calls has looked
    named = config.columns is None or partition.column in config.columns
    unread = () if named else (partition.column,)
    query = query_of(config, *unread)
    return read_ranges(connection, query, partition, options, unread=len(unread))


def _warnings(step_id: str, readers: Sequence[QueryReader]) -> Iterator[DataWarning]:
    """Yield which values were read as NULL."""
    lost = sum((reader.lost for reader in readers), Counter[tuple[str, Option]]())
    for (column, option), count in sorted(lost.items()):
        what = "NaN" if option == "numeric_nan" else "infinite or too distant dates or times"
        message = f"column {column!r}: {count} values ({what}) were read as NULL"
        code = f"postgres.{option}"
        yield DataWarning(step_id=step_id, code=code, message=message, count=count)

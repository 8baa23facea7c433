"""The driver of `mysql.extractor`: one query in a read-only snapshot, streamed as Arrow batches."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from osiris.components.mysql_extractor import MySQLConnection, MySQLExtractorConfig
from osiris.core.cancel import CancelToken
from osiris.core.discovery import Found, Wanted
from osiris.core.driver import DriverContext
from osiris.core.events import DataWarning
from osiris.core.stream import TableStream
from osiris.drivers.mysql import discovery
from osiris.drivers.mysql.names import quoted
from osiris.drivers.mysql.partition_reading import read_ranges
from osiris.drivers.mysql.reader import QueryReader, ReadOptions
from osiris.drivers.mysql.rights import check_rights
from osiris.drivers.relational.reading import read_in_parts, read_whole


class MySQLExtractorDriver:
    """Reads a table or a query; the rows come while the server still sends them."""

    def run(
        self,
        *,
        step_id: str,
        config: MySQLExtractorConfig,
        inputs: Mapping[str, TableStream],  # noqa: ARG002 - a read step has none
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Connect, run the query and return its rows as they come.

        Raises `ConfigError`, `TransientStepError`, `DataError` or `SystemStepError`, here and
        while the rows are read.
        """
        options = ReadOptions(
            tinyint1=config.tinyint1,
            zero_dates=config.zero_dates,
            base_dir=ctx.base_dir,
            cancelled=ctx.cancelled,
        )
        warnings = partial(_warnings, step_id)
        if config.partition is not None:

            def opened(stop: CancelToken) -> list[QueryReader]:
                return read_ranges(config, replace(options, cancelled=stop))

            return {"df": read_in_parts(opened, warnings, ctx)}
        reader = QueryReader(config.connection, config.query or table_query(config), options)
        return {"df": read_whole(reader, warnings, ctx)}

    def check_connection(self, connection: MySQLConnection, base_dir: Path) -> None:
        """Log in and look what the user may do (`osiris.core.driver.ConnectionChecker`)."""
        check_rights(connection, base_dir)

    def discover(self, connection: MySQLConnection, wanted: Wanted) -> Found:
        """Say which tables the user may see (`osiris.core.discovery.Discoverer`)."""
        return discovery.discover(connection, wanted)


def table_query(config: MySQLExtractorConfig) -> str:
    """Return the query that reads the configured table."""
    columns = ", ".join(map(quoted, config.columns or ())) or "*"
    limit = "" if config.limit is None else f" LIMIT {config.limit:d}"
    return f"SELECT {columns} FROM {quoted(config.table or '')}{limit}"


def _warnings(step_id: str, readers: Sequence[QueryReader]) -> Iterator[DataWarning]:
    """Yield which dates were read as NULL."""
    no_dates = sum((reader.no_dates for reader in readers), Counter[str]())
    for column, count in sorted(no_dates.items()):
        message = f"column {column!r}: {count} zero or impossible dates were read as NULL"
        yield DataWarning(step_id=step_id, code="mysql.zero_dates", message=message, count=count)

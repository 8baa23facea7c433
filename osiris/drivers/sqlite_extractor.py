"""Reading a table or the rows of a query from a SQLite file."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from osiris.components.sqlite_extractor import SqliteExtractorConfig
from osiris.core.discovery import Found, Wanted
from osiris.core.driver import DriverContext
from osiris.core.source_files import find_file
from osiris.core.stream import TableStream
from osiris.drivers.sqlite import discovery
from osiris.drivers.sqlite.connection import open_database
from osiris.drivers.sqlite.failure import failure
from osiris.drivers.sqlite.reader import SqliteReader
from osiris.drivers.sqlite.statement import table_query


class SqliteExtractorDriver:
    """Reads in one transaction; what other programs write meanwhile is not seen."""

    def run(
        self,
        *,
        step_id: str,
        config: SqliteExtractorConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Return `{"df": reader}`.

        Raises `ConfigError` for a file, table or column that is not there and for SQL that SQLite
        refuses, `DataError` for a value that does not fit its column's type or a file that is no
        database, `TransientStepError` when the database is locked for too long.
        """
        del step_id, inputs
        ctx.cancelled.raise_if_set()
        file = find_file(config.path, ctx.base_dir)
        connection = open_database(
            file,
            spill_dir=ctx.spill_dir,
            busy_timeout=config.busy_timeout,
            cancelled=ctx.cancelled,
        )
        try:
            query = _query(connection, config)
            reader = SqliteReader(connection, file.name, query, config.types, ctx.cancelled)
        except sqlite3.Error as error:
            connection.close()
            ctx.cancelled.raise_if_set()
            raise failure(error, file.name) from error
        except BaseException:
            connection.close()
            raise
        return {"df": pa.RecordBatchReader.from_batches(reader.schema, reader.batches())}

    def takes(self, path: str) -> bool:
        """Tell by the name whether a file is one of these (`core.discovery.FileDiscoverer`)."""
        return discovery.takes(path)

    def discover_files(self, path: str, wanted: Wanted) -> Found:
        """Say which tables the file holds."""
        return discovery.discover(path, wanted)


def _query(connection: sqlite3.Connection, config: SqliteExtractorConfig) -> str:
    if config.table is not None:
        return table_query(connection, config.table, config.columns)
    return (config.query or "").strip().rstrip(";")

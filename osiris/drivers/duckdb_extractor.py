"""Reading a table or the rows of a query from a DuckDB file."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import duckdb
import pyarrow as pa

from osiris.components.duckdb_extractor import DuckDBExtractorConfig
from osiris.core.discovery import Found, Wanted
from osiris.core.driver import DriverContext
from osiris.core.errors import ConfigError, OsirisError
from osiris.core.scan_sql import identifier
from osiris.core.source_files import find_file
from osiris.core.stream import TableStream
from osiris.drivers.duckdb import discovery
from osiris.drivers.duckdb.connection import reader
from osiris.drivers.duckdb.database_file import open_reading
from osiris.drivers.duckdb.failure import sql_failure
from osiris.drivers.duckdb.schema import check_result, exact_batches, exact_schema

_FOREIGN = (duckdb.Error, pa.ArrowException, OSError, RuntimeError)


class DuckDBExtractorDriver:
    """Reads through a read-only connection, so that others may read the file too."""

    def run(
        self,
        *,
        step_id: str,
        config: DuckDBExtractorConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Return `{"df": reader}`; the query runs while the reader is read.

        Raises `ConfigError` for a file or table that is not there and SQL that DuckDB refuses,
        `DataError` for a file that is no database, `TransientStepError` when another program has
        it open for writing.
        """
        del step_id, inputs
        ctx.cancelled.raise_if_set()
        file = find_file(config.path, ctx.base_dir)
        connection = open_reading(file, spill_dir=ctx.spill_dir, memory_limit=config.memory_limit)
        query = _query(config)
        forget = ctx.cancelled.on_cancel(connection.interrupt)
        try:
            schema = _checked(connection, query)
        except Exception as error:
            connection.close()
            raise _explained(error, ctx, running=False) from error
        finally:
            forget()
        return {"df": pa.RecordBatchReader.from_batches(schema, _batches(connection, query, ctx))}

    def takes(self, path: str) -> bool:
        """Tell by the name whether a file is one of these (`core.discovery.FileDiscoverer`)."""
        return discovery.takes(path)

    def discover_files(self, path: str, wanted: Wanted) -> Found:
        """Say which tables the file holds."""
        return discovery.discover(path, wanted)


def _query(config: DuckDBExtractorConfig) -> str:
    if config.table is None:
        return (config.query or "").strip().rstrip(";")
    columns = ", ".join(map(identifier, config.columns)) or "*"
    schema: str = config.schema or "main"
    return f"SELECT {columns} FROM {identifier(schema)}.{identifier(config.table)}"


def _checked(connection: Any, query: str) -> pa.Schema:
    """Return the schema of what the query returns, when that is one table."""
    kinds = [statement.type.name for statement in connection.extract_statements(query)]
    if kinds != ["SELECT"]:
        raise ConfigError(
            f"the query is {' and '.join(kinds) or 'empty'}, not one SELECT",
            hint="a read step returns one table and changes nothing",
        )
    relation = connection.sql(query)
    check_result(relation.columns, relation.types)
    return exact_schema(relation.limit(0).to_arrow_reader().schema)


def _batches(connection: Any, query: str, ctx: DriverContext) -> Iterator[pa.RecordBatch]:
    forget = ctx.cancelled.on_cancel(connection.interrupt)
    with closing(connection):
        try:
            yield from exact_batches(reader(connection, query))
        except Exception as error:
            raise _explained(error, ctx, running=True) from error
        finally:
            forget()


def _explained(error: Exception, ctx: DriverContext, *, running: bool) -> Exception:
    ctx.cancelled.raise_if_set()
    if isinstance(error, OsirisError) or not isinstance(error, _FOREIGN):
        return error
    return sql_failure(error, running=running)

"""Running one SQL query over a step's inputs with DuckDB."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import duckdb
import pyarrow as pa

from osiris.components.duckdb_processor import DuckDBProcessorConfig
from osiris.core.driver import DriverContext
from osiris.core.errors import ConfigError, StepError
from osiris.core.stream import TableStream
from osiris.drivers.duckdb.connection import connect, reader
from osiris.drivers.duckdb.failure import sql_failure
from osiris.drivers.duckdb.inputs import attach
from osiris.drivers.duckdb.scanned_rows import scanned_rows
from osiris.drivers.duckdb.schema import exact_batches, exact_schema

_STATEMENTS = {"SELECT", "MULTI"}


class DuckDBProcessorDriver:
    """Runs the query; inputs that are files are read by DuckDB itself."""

    def run(
        self,
        *,
        step_id: str,
        config: DuckDBProcessorConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Return `{"df": reader}`; the query runs while the reader is read.

        Raises `ConfigError` for SQL that DuckDB refuses, `DataError` for values it cannot convert,
        `SystemStepError` when memory or disk do not suffice, or the error of an input's source.
        """
        del step_id
        paths = [path for s in inputs.values() if s.scan is not None for path in s.scan.paths]
        connection = connect(
            paths=paths,
            memory_limit=config.memory_limit,
            threads=config.threads,
            spill_dir=ctx.spill_dir,
        )
        query = _Query(connection, config.query.strip().rstrip(";"), inputs, ctx)
        try:
            rows = query.open()
        except BaseException:
            connection.close()
            raise
        schema = exact_schema(rows.schema)
        return {"df": pa.RecordBatchReader.from_batches(schema, query.batches(rows))}


class _Query:
    """One query on its way."""

    def __init__(
        self,
        connection: Any,
        sql: str,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> None:
        self._connection = connection
        self._sql = sql
        self._inputs = inputs
        self._ctx = ctx
        self._scans: list[str] = []

    def open(self) -> Any:
        """Attach the inputs and begin the query."""
        forget = self._ctx.cancelled.on_cancel(self._connection.interrupt)
        try:
            self._check_statement()
            self._scans = attach(self._connection, self._sql, self._inputs)
            return reader(self._connection, self._sql)
        except Exception as error:
            raise self._explained(error) from error
        finally:
            forget()

    def _check_statement(self) -> None:
        statements = self._connection.extract_statements(self._sql)
        kinds = [str(statement.type).rpartition(".")[2] for statement in statements]
        if len(kinds) != 1 or kinds[0] not in _STATEMENTS:
            raise ConfigError(
                f"the query is {' and '.join(kinds) or 'empty'}, not one SELECT",
                hint="a transform step reads its inputs and returns one table",
            )

    def batches(self, rows: Any) -> Iterator[pa.RecordBatch]:
        """Yield the result; at its end, say how many rows each source had."""
        forget = self._ctx.cancelled.on_cancel(self._connection.interrupt)
        with closing(self._connection):
            try:
                yield from exact_batches(rows)
                self._report_scanned()
            except Exception as error:
                raise self._explained(error) from error
            finally:
                forget()

    def _report_scanned(self) -> None:
        if not self._scans:
            return
        profile = self._connection.get_profiling_information(format="json")
        for key in self._scans:
            stream = self._inputs[key]
            if stream.scan is not None:
                stream.scanned(scanned_rows(profile, stream.scan))

    def _explained(self, error: Exception) -> Exception:
        """Return whose fault an error is: the run's end, an input's source, or the query."""
        self._ctx.cancelled.raise_if_set()
        for stream in self._inputs.values():
            if isinstance(stream.error, Exception):
                return stream.error
            if stream.scan is not None:
                own = stream.scan.explain(error)
                if own is not None:
                    stream.error = own
                    return own
        if isinstance(error, duckdb.Error | pa.ArrowException | OSError):
            return sql_failure(error)
        return error if isinstance(error, StepError) else sql_failure(error)

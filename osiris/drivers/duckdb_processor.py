"""Running one SQL query over a step's inputs with DuckDB."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import duckdb
import pyarrow as pa

from osiris.components.duckdb_processor import DuckDBProcessorConfig
from osiris.core.driver import DriverContext
from osiris.core.errors import ConfigError, DataError, OsirisError, StepError
from osiris.core.stream import Scan, TableStream
from osiris.drivers.duckdb.connection import connect, reader
from osiris.drivers.duckdb.failure import sql_failure
from osiris.drivers.duckdb.inputs import InputTables
from osiris.drivers.duckdb.scanned_rows import scanned_rows
from osiris.drivers.duckdb.schema import check_result, exact_batches, exact_schema

_FOREIGN = (duckdb.Error, pa.ArrowException, OSError, RuntimeError)


class DuckDBProcessorDriver:
    """Runs the query; inputs that are files are read by DuckDB itself.

    The order of the result is the query's where it has an ORDER BY, else that of the input for
    queries that only filter and compute; it is not told for others.
    """

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
            schema = query.open()
        except BaseException:
            connection.close()
            raise
        return {"df": pa.RecordBatchReader.from_batches(schema, query.batches())}


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
        self._tables: InputTables | None = None

    @property
    def _scans(self) -> dict[str, Scan]:
        return {key: s.scan for key, s in self._inputs.items() if s.scan is not None}

    def open(self) -> pa.Schema:
        """Check the query and attach the inputs; return the schema of the result."""
        forget = self._ctx.cancelled.on_cancel(self._connection.interrupt)
        try:
            self._check_statement()
            self._tables = InputTables(self._connection, self._inputs)
            relation = self._connection.sql(self._sql)
            check_result(relation.columns, relation.types)
            self._tables.copy_repeated(self._sql)
            return exact_schema(relation.limit(0).to_arrow_reader().schema)
        except Exception as error:
            raise self._explained(error, running=False) from error
        finally:
            forget()

    def _check_statement(self) -> None:
        statements = self._connection.extract_statements(self._sql)
        kinds = [statement.type.name for statement in statements]
        if kinds == ["MULTI"]:
            raise ConfigError(
                "a PIVOT must name its columns: DuckDB would have to read the input to find them",
                hint="name the values with IN, as in `PIVOT df ON k IN ('a', 'b') USING count(*)`",
            )
        if kinds != ["SELECT"]:
            raise ConfigError(
                f"the query is {' and '.join(kinds) or 'empty'}, not one SELECT",
                hint="a transform step reads its inputs and returns one table",
            )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the result; at its end, say how many rows each source had."""
        forget = self._ctx.cancelled.on_cancel(self._connection.interrupt)
        begun = False
        with closing(self._connection):
            try:
                while True:
                    try:
                        for batch in exact_batches(reader(self._connection, self._sql)):
                            begun = True
                            yield batch
                        self._finish_inputs()
                    except Exception as error:
                        before = self._scan_texts()
                        found = self._explained(error, running=True)
                        if self._scan_texts() == before:
                            raise found from error
                        self._begin_again(begun=begun)
                    else:
                        return
            finally:
                forget()

    def _scan_texts(self) -> list[str]:
        return [scan.sql for scan in self._scans.values()]

    def _begin_again(self, *, begun: bool) -> None:
        """Run the query once more: a source that is hard to read is read in another way now."""
        if begun or self._tables is None or not self._tables.can_be_read_again:
            stream = next(stream for stream in self._inputs.values() if stream.scan is not None)
            stream.error = DataError(
                f"the files of step {stream.source!r} hold long cells of several lines, which "
                "DuckDB's parallel reader takes for rows",
                hint=f"give step {stream.source!r} `parallel: false`",
            )
            raise stream.error
        self._tables.attach_scans(self._scans)

    def _finish_inputs(self) -> None:
        """Read on to the end of what the query did not need, so that every row is counted."""
        profile = self._connection.get_profiling_information(format="json")
        for stream in self._inputs.values():
            if stream.scan is not None:
                self._finish_scan(stream, stream.scan, profile)
            elif not stream.complete:
                for _ in stream.rest():
                    self._ctx.cancelled.raise_if_set()

    def _finish_scan(self, stream: TableStream, scan: Scan, profile: str) -> None:
        try:
            rows = scanned_rows(profile, scan)
            scan.verify()
        except StepError as error:
            stream.error = error
            raise
        stream.scanned(rows)

    def _explained(self, error: Exception, *, running: bool) -> Exception:
        """Return whose fault an error is: the run's end, an input's source, or the query."""
        self._ctx.cancelled.raise_if_set()
        for stream in self._inputs.values():
            if isinstance(stream.error, Exception):
                return stream.error
        for stream in self._inputs.values():
            own = stream.scan.explain(error) if stream.scan is not None else None
            if own is not None:
                stream.error = own
                return own
        if isinstance(error, OsirisError) or not isinstance(error, _FOREIGN):
            return error
        return sql_failure(error, running=running)

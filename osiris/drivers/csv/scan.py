"""CSV files as a table that DuckDB reads where they lie."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from osiris.core.cancel import CancelToken
from osiris.core.errors import DataError
from osiris.core.named_types import arrow_type
from osiris.drivers.csv.casts import TypedColumn
from osiris.drivers.csv.faults import find_fault, may_be_the_files
from osiris.drivers.csv.source import CsvSource
from osiris.drivers.duckdb.connection import connect, reader

_ERRORS = (duckdb.Error, pa.ArrowException, OSError)
_SHOWN = 3


class CsvScan:
    """One table in one or more CSV files; a `core.stream.Scan`."""

    def __init__(
        self,
        source: CsvSource,
        columns: Sequence[TypedColumn],
        spill_dir: Path,
        cancelled: CancelToken,
    ) -> None:
        self._source = source
        self._columns = tuple(columns)
        self._spill_dir = spill_dir
        self._cancelled = cancelled
        self._careful = False
        self._whole = False
        self._unsound: DataError | None = None
        self._fault: DataError | None = None

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the table."""
        return pa.schema([(column.name, arrow_type(column.type)) for column in self._columns])

    @property
    def column_types(self) -> dict[str, str]:
        """The columns' types as a pipeline writes them, by name."""
        return {column.name: column.type for column in self._columns}

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that `sql` reads."""
        return self._source.paths

    @property
    def sql(self) -> str:
        """The SELECT that reads the table with its types."""
        selected = ", ".join(column.select for column in self._columns)
        return f"SELECT {selected} FROM {self._source.read_csv(careful=self._careful)}"

    def count(self, used: Collection[str] | None = None) -> int:
        """Return the number of rows, by reading the files and the values of the columns used.

        Raises `DataError` for broken ones.
        """
        columns = [column for column in self._columns if used is None or column.cell in used]
        selected = ", ".join(["count(*)", *(f"count({column.value})" for column in columns)])
        while True:
            careful = self._careful
            query = f"SELECT {selected} FROM {self._source.read_csv(careful=careful)}"
            with closing(self._connect()) as connection:
                forget = self._cancelled.on_cancel(connection.interrupt)
                try:
                    rows = int(connection.execute(query).fetchall()[0][0])
                except duckdb.Error as error:
                    self._give_up_or_be_careful(error, careful=careful)
                else:
                    self.verify()
                    return rows
                finally:
                    forget()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Stream the table."""
        batches = pa.RecordBatchReader.from_batches(self.schema, self._batches())
        return batches.__arrow_c_stream__(requested_schema)

    def head(self) -> pa.RecordBatchReader:
        """Stream the table in one thread, which reads no further than it has to."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches(threads=1))

    def _batches(self, threads: int | None = None) -> Iterator[pa.RecordBatch]:
        begun = False
        while True:
            careful = self._careful
            try:
                for batch in self._batches_once(threads):
                    begun = True
                    yield batch
            except _ERRORS as error:
                self._give_up_or_be_careful(error, careful=careful)
                if begun:  # what was given already may be lines of a cell
                    self._fault = self._misread()
                    raise self._fault from error
            else:
                self.verify()
                return

    def _batches_once(self, threads: int | None) -> Iterator[pa.RecordBatch]:
        with closing(self._connect(threads)) as connection:
            forget = self._cancelled.on_cancel(connection.interrupt)
            try:
                yield from reader(connection, self.sql)
            finally:
                forget()

    def _misread(self) -> DataError:
        files = ", ".join(file.original for file in self._source.files[:_SHOWN])
        return DataError(
            f"{files}: long cells of several lines, which DuckDB's parallel reader takes for rows",
            hint="give the step `parallel: false`",
        )

    def _connect(self, threads: int | None = None) -> Any:
        return connect(
            threads=threads,
            paths=self.paths,
            spill_dir=self._spill_dir,
            memory_limit=self._source.memory_limit,
        )

    def _give_up_or_be_careful(self, error: Exception, *, careful: bool) -> None:
        """Return when reading should be tried again; raise what ends it when not."""
        self._cancelled.raise_if_set()
        fault = self.explain(error)
        if fault is not None:
            raise fault from error
        if self._careful == careful:
            raise error

    def verify(self) -> None:
        """Raise `DataError` when a file is not what it was when the table was offered, or cut."""
        self._unsound = self._unsound or self._source.changed()
        if self._unsound is None and not self._whole:
            self._unsound = self._source.cut(self._spill_dir)
            self._whole = self._unsound is None
        if self._unsound is not None:
            raise self._unsound

    def explain(self, error: Exception) -> Exception | None:
        """Return the files' own fault behind an error of whoever read them.

        None when they are sound. `sql` has changed then if DuckDB had taken the files for broken:
        it now reads them without guessing.
        """
        self._unsound = self._unsound or self._source.changed()
        if self._unsound is not None:
            return self._unsound
        if self._fault is not None and self._fault.message in str(error):
            return self._fault  # it came here through Arrow, which keeps the text alone
        if not may_be_the_files(error):
            return None
        if self._fault is None:
            with closing(self._connect()) as connection:
                forget = self._cancelled.on_cancel(connection.interrupt)
                try:
                    self._fault = find_fault(
                        connection, self._source, self._columns, self._spill_dir
                    )
                finally:
                    forget()
            self._careful = self._careful or self._fault is None
        return self._fault

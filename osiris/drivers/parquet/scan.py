"""Parquet files as a table that DuckDB reads where they lie."""

from collections.abc import Collection, Iterator
from contextlib import closing

import pyarrow as pa

from osiris.core.errors import DataError
from osiris.core.scan_sql import identifier, path_literal
from osiris.drivers.parquet.source import ParquetSource
from osiris.drivers.parquet.types import read_alike_by_duckdb

_MARKS = ("parquet", "io error", "invalid input error", "zstd", "snappy", "gzip", "thrift")


class ParquetScan:
    """One table in one or more Parquet files; a `core.stream.Scan`."""

    def __init__(self, source: ParquetSource) -> None:
        self._source = source
        self._fault: DataError | None = None

    @classmethod
    def serves(cls, source: ParquetSource) -> bool:
        """Tell whether DuckDB reads every column as it would come through Arrow."""
        return all(read_alike_by_duckdb(field.type) for field in source.stored)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the table."""
        return self._source.schema

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that `sql` reads."""
        return tuple(str(file.path) for file in self._source.files)

    @property
    def sql(self) -> str:
        """The SELECT that reads the table."""
        columns = ", ".join(identifier(name) for name in self.schema.names)
        paths = ", ".join(path_literal(path) for path in self.paths)
        return f"SELECT {columns} FROM read_parquet([{paths}], hive_partitioning = false)"

    def count(self, used: Collection[str] | None = None) -> int:
        """Return the number of rows."""
        del used
        return self._source.rows

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Stream the table."""
        return self.head().__arrow_c_stream__(requested_schema)

    def head(self) -> pa.RecordBatchReader:
        """Stream the table; nothing is read ahead."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with closing(self._source.batches()) as batches:
            yield from batches
        self.verify()

    def verify(self) -> None:
        """Raise `DataError` when a file is not what it was when the table was offered."""
        fault = self._source.changed()
        if fault is not None:
            raise fault

    def explain(self, error: Exception) -> Exception | None:
        """Return the files' own fault behind an error of whoever read them; None when sound."""
        self._fault = self._fault or self._source.changed()
        text = str(error).lower()
        if self._fault is None and any(mark in text for mark in _MARKS):
            self._fault = self._damage()
        return self._fault

    def _damage(self) -> DataError | None:
        """Return what is wrong with the files, by reading them."""
        try:
            for _ in self._source.batches():
                pass
        except DataError as fault:
            return fault
        return None

"""The Parquet files of one table: opened, held against each other, read batch by batch."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from osiris.core.cancel import CancelToken
from osiris.core.errors import ConfigError, DataError
from osiris.core.source_files import SourceFile
from osiris.drivers.parquet.types import table_batch, table_schema

_BATCH_ROWS = 65_536
_BATCH_BYTES = 16 * 1024 * 1024
"""About the most that a batch should take in memory."""

_BUFFER = 1024 * 1024
"""Bytes of each column that are read at once; a column is never read whole."""


@dataclass(frozen=True)
class ParquetSource:
    """The columns of one table in one or more files that have them all alike.

    `stored` is the schema as it is in the files, of the columns wanted; `rows` is how many the
    files say they hold.
    """

    files: tuple[SourceFile, ...]
    stored: pa.Schema
    rows: int
    cancelled: CancelToken

    @classmethod
    def of(
        cls, files: Sequence[SourceFile], columns: Sequence[str], cancelled: CancelToken
    ) -> "ParquetSource":
        """Look into every file.

        Raises `DataError` for a file that is none, or has other columns than the first, and
        `ConfigError` for a column that is not there.
        """
        stored: pa.Schema | None = None
        rows = 0
        for file in files:
            cancelled.raise_if_set()
            with opened(file) as parquet:
                found = _wanted(parquet.schema_arrow, columns, file)
                rows += parquet.metadata.num_rows
            if stored is None:
                stored = found
            _check_alike(stored, found, files[0], file)
        return cls(tuple(files), stored or pa.schema([]), rows, cancelled)

    @property
    def schema(self) -> pa.Schema:
        """The schema of the table."""
        return table_schema(self.stored)

    def batches(self) -> Generator[pa.RecordBatch]:
        """Read the files in their order; raise `DataError` for one that is damaged."""
        schema = self.schema
        for file in self.files:
            with opened(file) as parquet:
                for batch in parquet.iter_batches(_rows_at_once(parquet), columns=schema.names):
                    self.cancelled.raise_if_set()
                    yield _sound(table_batch(batch.select(schema.names), schema), file)

    def changed(self) -> DataError | None:
        """Return what happened to a file since it was found, if anything did."""
        return next(filter(None, (file.fault() for file in self.files)), None)


@contextmanager
def opened(file: SourceFile) -> Iterator[Any]:
    """Open a file; raise `DataError` for what cannot be read, now and inside of the block."""
    try:
        with pq.ParquetFile(
            file.path, buffer_size=_BUFFER, pre_buffer=False, page_checksum_verification=True
        ) as parquet:
            yield parquet
    except (pa.ArrowException, OSError) as error:
        raise file.fault() or _unreadable(file, error) from error


def _unreadable(file: SourceFile, error: Exception) -> DataError:
    text = file.named(str(error)).partition("\n")[0]
    if "encrypt" in text.lower() or "decrypt" in text.lower():
        return DataError(
            f"{file.name} is encrypted: {text}",
            hint="write it without Parquet's own encryption; keys cannot be given",
        )
    if "magic bytes" in text or "Parquet file size is" in text:
        return DataError(
            f"{file.name} is no Parquet file, or is cut short: {text}",
            hint="look at where the file comes from; a Parquet file ends with PAR1",
        )
    return DataError(
        f"{file.name} cannot be read as Parquet: {text}", hint="the file may be damaged"
    )


def _wanted(schema: pa.Schema, columns: Sequence[str], file: SourceFile) -> pa.Schema:
    """Return the part of a file's schema that is wanted, in the order of the file."""
    doubled = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if doubled:
        raise DataError(
            f"{file.name}: several columns are named {', '.join(map(repr, doubled))}",
            hint="write the file with a name of its own for each column",
        )
    missing = [name for name in columns if name not in schema.names]
    if missing:
        raise ConfigError(
            f"{file.name}: there is no column {', '.join(map(repr, missing))}",
            hint=f"the columns are {', '.join(schema.names)}",
        )
    names = columns or schema.names
    return pa.schema([schema.field(name).remove_metadata() for name in names])


def _check_alike(
    expected: pa.Schema, found: pa.Schema, first: SourceFile, file: SourceFile
) -> None:
    if found.names != expected.names:
        raise DataError(
            f"{file.name}: other columns than {first.name}: {', '.join(found.names)}",
            hint=f"expected {', '.join(expected.names)}; `columns` names those wanted",
        )
    for one, other in zip(expected, found, strict=True):
        if one.type != other.type:
            raise DataError(
                f"{file.name}: column {one.name!r} is {other.type}, but {one.type} in {first.name}",
                hint="read files of different types in steps of their own and join them with SQL",
            )


def _rows_at_once(parquet: Any) -> int:
    """Return how many rows make a batch of a moderate size, from what the file says of its own."""
    groups = [parquet.metadata.row_group(i) for i in range(parquet.metadata.num_row_groups)]
    largest = max((g.total_byte_size / g.num_rows for g in groups if g.num_rows), default=1.0)
    return max(1, min(_BATCH_ROWS, int(_BATCH_BYTES / max(largest, 1.0))))


def _sound(batch: pa.RecordBatch, file: SourceFile) -> pa.RecordBatch:
    """Return the batch when its texts are; Parquet files may hold others."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            raise DataError(
                f"{file.name}: column {name!r}: {error}",
                hint="the file says this is UTF-8 text; leave the column out with `columns`",
            ) from error
    return batch

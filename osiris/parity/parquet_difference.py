"""The first value in which two Parquet files differ."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from osiris.core.regular_file import UnusableFileError, open_regular_file
from osiris.parity.comparison import Place

_ROWS = 4096
_LONGEST = 200
_SAME = "the rows are the same; only how they are stored differs"


def first_value(a: Path, b: Path) -> Place | None:
    """Return the first value, or else the column, in which two Parquet files differ.

    None when one of them cannot be read.
    """
    try:
        with (
            open_regular_file(a, follow=False) as file_a,
            open_regular_file(b, follow=False) as file_b,
            pq.ParquetFile(file_a) as one,
            pq.ParquetFile(file_b) as other,
        ):
            found = _schemas(one.schema_arrow, other.schema_arrow)
            return found or _rows(one, other) or Place(note=_SAME)
    except (UnusableFileError, pa.ArrowException, OSError, ValueError, MemoryError):
        return None


def _schemas(a: pa.Schema, b: pa.Schema) -> Place | None:
    for index in range(max(len(a), len(b))):
        one = a.field(index) if index < len(a) else None
        other = b.field(index) if index < len(b) else None
        if one is None or other is None or not one.equals(other):
            texts = [None if field is None else str(field) for field in (one, other)]
            names = [field.name for field in (one, other) if field is not None]
            return Place(column=names[0], a=texts[0], b=texts[1])
    return None


def _rows(a: pq.ParquetFile, b: pq.ParquetFile) -> Place | None:
    ours, theirs = _Pieces(a), _Pieces(b)
    done = 0
    while count := min(ours.ready(), theirs.ready()):
        left, right = ours.take(count), theirs.take(count)
        if not left.equals(right):
            found = _value(left, right, done)
            if found is not None:
                return found
        done += count
    if ours.ready() or theirs.ready():
        return Place(row=done + 1, a=ours.next_row(), b=theirs.next_row())
    return None


class _Pieces:
    """The rows of a Parquet file in pieces of any length."""

    def __init__(self, file: pq.ParquetFile) -> None:
        self._batches: Iterator[pa.RecordBatch] = file.iter_batches(_ROWS)
        self._batch: pa.RecordBatch | None = None

    def ready(self) -> int:
        """Return how many rows can be taken; 0 at the end."""
        while self._batch is None or not self._batch.num_rows:
            self._batch = next(self._batches, None)
            if self._batch is None:
                return 0
        return int(self._batch.num_rows)

    def take(self, count: int) -> pa.RecordBatch:
        """Return the next rows."""
        if self._batch is None:
            raise EOFError
        piece, self._batch = self._batch.slice(0, count), self._batch.slice(count)
        return piece

    def next_row(self) -> str | None:
        """Return the next row as text; None at the end."""
        if not self.ready():
            return None
        return _cut(", ".join(str(value) for value in self.take(1).to_pylist()[0].values()))


def _value(a: pa.RecordBatch, b: pa.RecordBatch, before: int) -> Place | None:
    """Return the first value that differs; None when it is NaN, which equals nothing, in both."""
    columns = [
        (name, one.to_pylist(), other.to_pylist())
        for name, one, other in zip(a.schema.names, a.columns, b.columns, strict=True)
        if not one.equals(other)
    ]
    for index in range(a.num_rows):
        for name, one, other in columns:
            if repr(one[index]) != repr(other[index]):
                texts = (_cut(repr(one[index])), _cut(repr(other[index])))
                return Place(row=before + index + 1, column=name, a=texts[0], b=texts[1])
    return None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"

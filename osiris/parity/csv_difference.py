"""The first cell in which two CSV files differ."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from itertools import zip_longest
from typing import BinaryIO, cast

import pyarrow as pa

from osiris.parity.comparison import Place
from osiris.parity.csv_dialect_of import CsvDialect

_LONGEST_LINE = 1024 * 1024
_LONGEST_CELL = 200

# What reading a file that is no sound CSV, or not compressed as its name says, may raise.
_UNREADABLE = (csv.Error, ValueError, OSError, EOFError, zlib.error, pa.ArrowException)

Row = list[str]


def first_cell(a: BinaryIO, b: BinaryIO, dialect: CsvDialect) -> Place | None:
    """Return the first cell in which two CSV files differ, reading both as a stream.

    None when no value differs (only its quotes do, or how the file was compressed), and when one
    cannot be read as CSV: then the bytes must speak for themselves.
    """
    try:
        one, other = _Rows(a, dialect), _Rows(b, dialect)
        names: Row | None = None
        for number, (left, right) in enumerate(zip_longest(one, other)):
            if left != right:
                row = number if dialect.header else number + 1
                return _place(row, names, (left, right), one.line)
            if number == 0 and dialect.header:
                names = left
    except _UNREADABLE:
        return None
    return None


class _Rows:
    """The rows of a CSV file; `line` is the number of the line where the last one began."""

    def __init__(self, file: BinaryIO, dialect: CsvDialect) -> None:
        file.seek(0)
        text = io.TextIOWrapper(
            _Kept(_decompressed(file, dialect.compression)),
            encoding=dialect.encoding,
            errors="backslashreplace",
            newline="",
        )
        self._reader = csv.reader(_lines(text), delimiter=dialect.delimiter)
        self.line = 1

    def __iter__(self) -> Iterator[Row]:
        before = 0
        for row in self._reader:
            self.line, before = before + 1, self._reader.line_num
            yield row


class _Kept(io.BufferedReader):
    """A reader that leaves the file it reads open for who opened it."""

    def close(self) -> None:
        """Let go of the file."""
        self.detach()


def _decompressed(file: BinaryIO, compression: str) -> io.RawIOBase:
    if compression == "gzip":
        return cast("io.RawIOBase", gzip.GzipFile(fileobj=file))
    if compression == "zstd":
        return cast("io.RawIOBase", pa.CompressedInputStream(pa.PythonFile(file), "zstd"))
    return cast("io.RawIOBase", file)


def _lines(text: io.TextIOWrapper) -> Iterator[str]:
    while line := text.readline(_LONGEST_LINE):
        if len(line) == _LONGEST_LINE:
            raise csv.Error("a line is too long")
        yield line


def _place(row: int, names: Row | None, rows: tuple[Row | None, Row | None], line: int) -> Place:
    left, right = rows
    if left is None or right is None:
        texts = (_joined(left), _joined(right))
        return Place(row=row, line=line, a=texts[0], b=texts[1])
    cells = enumerate(zip_longest(left, right))
    index, (one, other) = next(item for item in cells if item[1][0] != item[1][1])
    column = names[index] if names and index < len(names) else str(index + 1)
    return Place(row=row, column=column, line=line, a=_cut(one), b=_cut(other))


def _joined(row: Row | None) -> str | None:
    return None if row is None else _cut(", ".join(row))


def _cut(cell: str | None) -> str | None:
    return cell if cell is None or len(cell) <= _LONGEST_CELL else cell[:_LONGEST_CELL] + "…"

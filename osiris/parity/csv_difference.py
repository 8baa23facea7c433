"""The first cell in which two CSV files differ."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.core.regular_file import UnusableFileError, open_regular_file
from osiris.parity.comparison import Place
from osiris.parity.csv_dialect_of import CsvDialect

_LONGEST_LINE = 1024 * 1024
_LONGEST_CELL = 200

# What reading a file that is no sound CSV, or not compressed as its name says, may raise.
_UNREADABLE = (
    UnusableFileError,
    csv.Error,
    ValueError,
    OSError,
    EOFError,
    zlib.error,
    pa.ArrowException,
)

Row = list[str]


def first_cell(a: Path, b: Path, dialect: CsvDialect) -> Place | None:
    """Return the first cell in which two CSV files differ, reading both as a stream.

    None when no value differs (only its quotes do, or how the file was compressed), and when one
    cannot be read as CSV: then the bytes must speak for themselves.
    """
    try:
        with ExitStack() as opened:
            one, other = (_Rows(_text(path, dialect, opened), dialect) for path in (a, b))
            return _compare(one, other, dialect)
    except _UNREADABLE:
        return None


def _compare(a: "_Rows", b: "_Rows", dialect: CsvDialect) -> Place | None:
    names: Row | None = None
    for number, (left, right) in enumerate(zip_longest(a, b)):
        if left != right:
            row = number if dialect.header else number + 1
            return _place(row, names, (left, right), max(a.line, b.line))
        if number == 0 and dialect.header:
            names = left
    return None


class _Rows:
    """The rows of a CSV file; `line` is the number of the line where the last one began."""

    def __init__(self, text: io.TextIOWrapper, dialect: CsvDialect) -> None:
        self._reader = csv.reader(_lines(text), delimiter=dialect.delimiter)
        self.line = 1

    def __iter__(self) -> Iterator[Row]:
        before = 0
        for row in self._reader:
            self.line, before = before + 1, self._reader.line_num
            yield row


def _text(path: Path, dialect: CsvDialect, opened: ExitStack) -> io.TextIOWrapper:
    """Open a file as the text it holds; `opened` closes what was opened."""
    file = opened.enter_context(open_regular_file(path, follow=False))
    data: Any = file
    if dialect.compression == "gzip":
        data = opened.enter_context(gzip.GzipFile(fileobj=file))
    elif dialect.compression == "zstd":
        data = opened.enter_context(pa.CompressedInputStream(pa.PythonFile(file), "zstd"))
    text = io.TextIOWrapper(data, dialect.encoding, errors="backslashreplace", newline="")
    return opened.enter_context(text)


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

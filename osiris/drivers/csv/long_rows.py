"""Whether a row is longer than DuckDB was told to expect: it may drop what follows without a word.

Where a row goes on past a second buffer, DuckDB loses count of the quotes: mostly it finds too many
cells then, but a cell that is all quotes or blank lines looks like one that never ends. Looked for
here are rows without a line end in them, jumping from one row's end to one that lies almost
`max_row_bytes` on: a small part of the file is read.
"""

from pathlib import Path
from typing import IO, Final

from osiris.core.errors import DataError
from osiris.drivers.csv.files import CsvFile

_PIECE: Final = 1 << 16
"""Bytes looked at once for a line end."""


def long_row_fault(file: CsvFile, limit: int) -> DataError | None:
    """Return the error for the first line of more than `limit` bytes; None without one.

    A compressed file is not looked into.
    """
    if file.compression != "none" or file.stamp[1] <= limit:
        return None
    with file.readable.open("rb") as source:
        start = _long_line(source, file.stamp[1], limit)
    if start is None:
        return None
    line = _lines_before(file.readable, start) + 1 - file.headed
    return DataError(
        f"{file.original}:{line}: a row is longer than {limit} bytes",
        hint="raise the step's `max_row_bytes`",
    )


def _long_line(source: IO[bytes], size: int, limit: int) -> int | None:
    """Return where a line begins that is longer than `limit`."""
    start = 0
    while start + limit < size:
        end = _last_line_end(source, start, start + limit + 1)
        if end is None:
            return start
        start = end + 1
    return None


def _last_line_end(source: IO[bytes], start: int, stop: int) -> int | None:
    """Return the place of the last line end from `start` to before `stop`."""
    while stop > start:
        begin = max(start, stop - _PIECE)
        source.seek(begin)
        piece = source.read(stop - begin)
        found = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        if found >= 0:
            return begin + found
        stop = begin
    return None


def _lines_before(path: Path, place: int) -> int:
    count = 0
    with path.open("rb") as source:
        while place > 0 and (piece := source.read(min(place, 1 << 20))):
            count += piece.count(b"\n")
            place -= len(piece)
    return count

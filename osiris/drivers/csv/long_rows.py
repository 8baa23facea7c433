"""Whether a row is longer than DuckDB was told to expect: it may drop what follows without a word.

Where a row goes on past a second buffer, DuckDB loses count of the quotes. Looked for here are rows
without a line end in them; `long_cells` looks for those with. In a file that is not compressed, one
jumps from a line's end to one that lies almost `max_row_bytes` on: a small part of it is read.
"""

from contextlib import suppress
from typing import IO, Final

from osiris.core.errors import DataError
from osiris.drivers.csv.files import CHUNK, CsvFile, opened, text_pieces

_PIECE: Final = 1 << 16
"""Bytes looked at once for a line end."""


class LineLengths:
    """Watches the pieces of a text go by, each of at most `limit` bytes.

    `start` is where a line of more than `limit` bytes begins; None while there was none.
    """

    def __init__(self, limit: int) -> None:
        self.start: int | None = None
        self._limit = limit
        self._line = self._at = 0

    def see(self, piece: bytes) -> None:
        """Look at the next piece."""
        ends = [place for end in (b"\n", b"\r") if (place := piece.find(end)) >= 0]
        reached = self._at + min(ends, default=len(piece))
        if self.start is None and reached - self._line > self._limit:
            self.start = self._line
        if ends:
            self._line = self._at + max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1
        self._at += len(piece)

    def fault(self, file: CsvFile) -> DataError | None:
        """Return the error for the line that was seen in this file; None without one."""
        return None if self.start is None else too_long(file, self.start, self._limit)


def long_row_fault(file: CsvFile, limit: int) -> DataError | None:
    """Return the error for the first line of more than `limit` bytes; None without one."""
    if file.compression != "none":
        lines = LineLengths(limit)
        # One that is damaged is told by whoever reads its values.
        with suppress(DataError):
            for piece in text_pieces(file):
                lines.see(piece)
        return lines.fault(file)
    with file.readable.open("rb") as source:
        start = _long_line(source, file.stamp[1], limit)
    return None if start is None else too_long(file, start, limit)


def too_long(file: CsvFile, start: int, limit: int) -> DataError:
    """Return the error for a row of more than `limit` bytes, told by a place in it."""
    line = _lines_before(file, start) + 1 - file.headed
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


def _lines_before(file: CsvFile, place: int) -> int:
    count = 0
    with opened(file.readable, file.compression, file.original) as source:
        while place > 0 and (piece := source.read(min(place, CHUNK))):
            count += piece.count(b"\n")
            place -= len(piece)
    return count

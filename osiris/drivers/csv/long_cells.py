"""Whether a quoted cell is longer than DuckDB was told that a row may be.

It may drop what follows such a cell, or take the lines in it for rows, without a word. Inside of a
cell quotes stand in runs of even length, so a piece of text with an odd run does not lie inside of
one. Looked at are pieces so close that a cell that is too long has one inside of it; only when a
piece has no odd run is the file read from quote to quote.
"""

import codecs
import mmap
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.errors import DataError
from osiris.drivers.csv.file_end import has_odd_run, quoted_cell
from osiris.drivers.csv.files import CsvFile, text_pieces, uncompressed
from osiris.drivers.csv.long_rows import too_long

_PIECE: Final = 1 << 16
_CONTEXT: Final = 64
"""Bytes in front of a quote that tell whether it opens a cell, unless there are only spaces."""


class EvenPieces:
    """Watches pieces of a text go by.

    Attributes:
        seen: whether a piece had no odd run of quotes.
        quoted: whether a piece had a quote at all.
        bytes: how long the pieces were together.

    """

    def __init__(self, config: CsvExtractorConfig) -> None:
        self.seen = self.quoted = False
        self.bytes = 0
        self._quote = config.quote.encode()

    def see(self, piece: bytes) -> None:
        """Look at a piece; what stands at its edges may be only a part of a run."""
        self.bytes += len(piece)
        self.quoted = self.quoted or self._quote in piece
        self.seen = self.seen or not has_odd_run(piece.strip(self._quote), self._quote)


def long_cell_fault(
    file: CsvFile, config: CsvExtractorConfig, limit: int, spill_dir: Path
) -> DataError | None:
    """Return the error for the first quoted cell of more than `limit` bytes; None without one."""
    if not config.quote:
        return None
    pieces = EvenPieces(config)
    if file.compression == "none":
        _see_some(file, pieces, limit)
        return fault_if_even(pieces, file, config, limit, spill_dir)
    # One that is damaged is told by whoever reads its values.
    with suppress(DataError):
        for piece in text_pieces(file):
            pieces.see(piece)
        return fault_if_even(pieces, file, config, limit, spill_dir)
    return None


def fault_if_even(
    pieces: EvenPieces, file: CsvFile, config: CsvExtractorConfig, limit: int, spill_dir: Path
) -> DataError | None:
    """Return the error for a cell that is too long when the pieces seen allow for one.

    Of a compressed file they are all there is.
    """
    whole = file.compression != "none"
    if not pieces.seen or (whole and (not pieces.quoted or pieces.bytes <= limit)):
        return None
    with uncompressed(file, spill_dir) as path:
        start = _long_cell(path, config, limit)
    return None if start is None else too_long(file, start, limit)


def _see_some(file: CsvFile, pieces: EvenPieces, limit: int) -> None:
    """Show pieces of which every cell of more than `limit` bytes has one inside."""
    with file.readable.open("rb") as source:
        for start in range(0, file.stamp[1] - limit, limit // 2):
            source.seek(start)
            pieces.see(source.read(_PIECE))


def _long_cell(path: Path, config: CsvExtractorConfig, limit: int) -> int | None:
    """Return where a quoted cell begins that is longer than `limit`, by finding every cell."""
    quote = config.quote.encode()
    cell = re.compile(quoted_cell(config))
    openers = (config.delimiter.encode(), b"\r", b"\n", codecs.BOM_UTF8)
    spaces = b"" if config.delimiter == " " else b" "
    with path.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as text:
        place = text.find(quote)
        while place >= 0:
            before = text[max(0, place - _CONTEXT) : place].rstrip(spaces)
            found = cell.match(text, place) if not before or before.endswith(openers) else None
            if found and found.end() - place > limit:
                return place
            place = text.find(quote, found.end() if found else place + 1)
    return None

"""Where DuckDB's parallel reader cuts a file, so chosen that it takes no cell's lines for rows.

It cuts after every buffer and after so many bytes of one as a row may have, and guesses from the
text behind a cut where a row begins. Where the next line end is one in a quoted cell, it may take
the cell's lines for rows. It may notice by what comes after them, when others have those rows
already; near the end of a file it does not, and drops what follows. So no cut may lie there.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.drivers.csv.file_end import is_open
from osiris.drivers.csv.files import CsvFile

ROWS_A_BUFFER: Final = 2
"""The longest rows that fit what DuckDB reads at once; it holds several such buffers.

Its own 16 are no faster and take 100 MB more.
"""
_STEP: Final = 1 << 16
_TRIES: Final = 4
_LONGEST_LINE: Final = 1 << 16
"""Bytes behind a cut in which its line must end."""


def buffer_size(files: Sequence[CsvFile], config: CsvExtractorConfig, limit: int) -> int | None:
    """Return how many bytes DuckDB should read at once, for rows of up to `limit` bytes.

    None when no size was found with which it cannot err: it must read with one thread then. In a
    compressed file nobody knows where a cut will be before all of it is read.
    """
    if any(file.compression != "none" for file in files):
        return None
    for attempt in range(_TRIES):
        size = ROWS_A_BUFFER * limit + attempt * _STEP
        if not any(_may_mislead(file, config, size, limit) for file in files):
            return size
    return None


def cuts(text_bytes: int, size: int, limit: int) -> Iterator[int]:
    """Yield where a text of so many bytes is cut, read in buffers of `size` bytes.

    Source: DuckDB's `CSVIterator::BytesPerThread`, for buffers of less than four `limit`.
    """
    for buffer in range(0, text_bytes, size):
        for cut in range(buffer, min(buffer + size, text_bytes), limit):
            if cut:
                yield cut


def _may_mislead(file: CsvFile, config: CsvExtractorConfig, size: int, limit: int) -> bool:
    """Tell whether the line end behind a cut of the file may be one in a quoted cell."""
    quote = config.quote.encode()
    closed = 0  # the last place of which it is known that no cell was open
    for cut in cuts(file.stamp[1], size, limit) if quote else ():
        place, line = _behind(file, quote, cut)
        opened = is_open(file, config, start=closed, end=place)
        if opened is None or line is None or opened != line.count(quote) % 2:
            return True
        if not opened:
            closed = place
    return False


def _behind(file: CsvFile, quote: bytes, cut: int) -> tuple[int, bytes | None]:
    """Return a place at the cut that no quote stands before, and the rest of its line.

    None for a rest that is long.
    """
    with file.readable.open("rb") as source:
        source.seek(max(0, cut - _LONGEST_LINE))
        before = source.read(min(cut, _LONGEST_LINE))
        text = source.read(_LONGEST_LINE)
    run = len(before) - len(before.rstrip(quote))
    ends = [place for end in (b"\n", b"\r") if (place := text.find(end)) >= 0]
    if not ends and len(text) == _LONGEST_LINE:
        return cut - run, None
    return cut - run, quote * run + text[: min(ends, default=len(text))]

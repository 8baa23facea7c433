"""Whether a file ends inside of a quoted cell: it was cut short, and DuckDB may not mind.

DuckDB drops the rows behind a quote that is never closed, without a word, when it reads with one
thread or when spaces stand before the quote.
"""

import codecs
import mmap
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.errors import DataError
from osiris.drivers.csv.files import CHUNK, CsvFile, text_pieces, uncompressed

See = Callable[[bytes], None]
QUOTES_HINT = (
    "correct the file, which may be cut short, or say how it is written: `delimiter`, `quote`"
)
_FIRST_LOOK = 1 << 12
"""Bytes at a place that mostly tell what is sought; more are read when they do not."""

_CONTEXT = 64
"""Bytes in front of a run of quotes that tell what it is, unless there are only spaces."""


def cut_fault(
    file: CsvFile, config: CsvExtractorConfig, spill_dir: Path, see: See | None = None
) -> DataError | None:
    """Return the error for a file that ends inside of a quoted cell; None for any other.

    `see` is shown the text of a compressed file, which is read to its end, piece by piece.
    """
    if file.compression != "none":
        quote = config.quote.encode()
        maybe = _opens(_last_odd(file, quote, see), config) if quote else False
    else:
        maybe = is_open(file, config, end=file.stamp[1])
    if maybe is False:
        return None
    line = _open_cell(file, config, spill_dir)
    if line is None:
        return None
    where = f"{file.original}:{line - file.headed}"
    return DataError(f"{where}: the file ends inside a quoted cell", hint=QUOTES_HINT)


def is_open(file: CsvFile, config: CsvExtractorConfig, *, end: int, start: int = 0) -> bool | None:
    """Tell whether a quoted cell of a file that is not compressed is open at the place `end`.

    None when that cannot be told. No cell is open at `start`, and no quote stands before either
    place. A run of quotes inside of a cell is even, so a cell can be open only when the last odd
    run opened it. Most files tell that in the line before.
    """
    quote = config.quote.encode()
    if not quote:
        return False
    for piece in _backwards(file, quote, start, end):
        if has_odd_run(piece, quote):
            return _opens(piece, config)
    return False


def has_odd_run(piece: bytes, quote: bytes) -> bool:
    """Tell whether a piece of text has a run of quotes of odd length."""
    return quote in piece and quote in piece.replace(quote * 2, b"")


def quoted_cell(config: CsvExtractorConfig) -> bytes:
    """Return the regular expression of a quoted cell; its group is empty for one that is open."""
    quote = re.escape(config.quote).encode()
    others = b"[^" + quote + b"]*"
    return quote + others + b"(?:" + quote * 2 + others + b")*(" + quote + rb"|\Z)"


def _opens(piece: bytes, config: CsvExtractorConfig) -> bool | None:
    """Tell whether the last odd run of quotes in a piece, if there is one, opens a cell."""
    quote = config.quote.encode()
    delimiter = config.delimiter.encode()
    before, found, behind = piece.replace(quote * 2, b"").rpartition(quote)
    before = before.rstrip(b"" if config.delimiter == " " else b" ")
    if not found or (
        before and not before.endswith((delimiter, b"\r", b"\n", codecs.BOM_UTF8[-1:]))
    ):
        return False
    # A quote that ends a cell with a line end or a delimiter before it looks the same.
    return None if behind[:1] in {b"", b" ", b"\r", b"\n", delimiter} else True


def _backwards(file: CsvFile, quote: bytes, first: int, end: int) -> Iterator[bytes]:
    """Yield pieces of the file from `end` back, none of which begins inside a run of quotes."""
    with file.readable.open("rb") as source:
        behind, length = b"", _FIRST_LOOK
        while end > first:
            start = max(first, end - length)
            length = min(2 * length, CHUNK)
            source.seek(start)
            chunk = source.read(end - start) + behind
            rest = chunk.lstrip(quote) if start > first else chunk
            behind = chunk[: len(chunk) - len(rest)]
            end = start
            yield rest


def _last_odd(file: CsvFile, quote: bytes, see: See | None) -> bytes:
    """Return the piece of a compressed file's text that holds its last odd run of quotes."""
    last = carried = b""
    for data in text_pieces(file):
        if see is not None:
            see(data)
        text = carried + data
        body = text.rstrip(quote)
        if quote in body.replace(quote * 2, b""):
            last = body
        carried = body[-_CONTEXT:].lstrip(quote) + text[len(body) :]
    return carried if quote in carried.replace(quote * 2, b"") else last


def _open_cell(file: CsvFile, config: CsvExtractorConfig, spill_dir: Path) -> int | None:
    """Return the line on which the cell begins that is open at the file's end, by reading it."""
    with uncompressed(file, spill_dir) as path:
        return _line_of_open_cell(path, config)


def _line_of_open_cell(path: Path, config: CsvExtractorConfig) -> int | None:
    delimiter = re.escape(config.delimiter).encode()
    start = rb"(?:\A(?:" + codecs.BOM_UTF8 + rb")?|[\r\n" + delimiter + rb"]) *"
    cell = re.compile(start + quoted_cell(config))
    with path.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for found in cell.finditer(text):
            if not found[1]:
                return text[: found.start() + 1].count(b"\n") + 1
    return None

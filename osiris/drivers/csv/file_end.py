"""Whether a file ends inside of a quoted cell: it was cut short, and DuckDB may not mind.

DuckDB drops the rows behind a quote that is never closed, without a word, when it reads with one
thread or when spaces stand before the quote.
"""

import mmap
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.errors import DataError
from osiris.drivers.csv.files import CHUNK, CsvFile, opened, temporary_copy

See = Callable[[bytes], None]
QUOTES_HINT = (
    "correct the file, which may be cut short, or say how it is written: `delimiter`, `quote`"
)
_BOM = b"\xef\xbb\xbf"
_CONTEXT = 64
"""Bytes in front of a run of quotes that tell what it is, unless there are only spaces."""


def cut_fault(
    file: CsvFile, config: CsvExtractorConfig, spill_dir: Path, see: See | None = None
) -> DataError | None:
    """Return the error for a file that ends inside of a quoted cell; None for any other.

    `see` is shown the text of a compressed file, which is read to its end, piece by piece.
    """
    if not config.quote or not _may_be_open(file, config, see):
        return None
    line = _open_cell(file, config, spill_dir)
    if line is None:
        return None
    where = f"{file.original}:{line - file.headed}"
    return DataError(f"{where}: the file ends inside a quoted cell", hint=QUOTES_HINT)


def _may_be_open(file: CsvFile, config: CsvExtractorConfig, see: See | None) -> bool:
    """Tell whether the last odd run of quotes in the file may open a cell.

    A run of quotes inside of a cell that is never closed is even, so a cell can be open at the
    file's end only when the last odd run opened it. Most files tell that in their last line.
    """
    quote = config.quote.encode()
    openers = (config.delimiter.encode(), b"\r", b"\n", _BOM[-1:])
    plain = file.compression == "none"
    chunks = _from_the_end(file, quote) if plain else [_last_odd(file, quote, see)]
    for chunk in chunks:
        before, found, _ = chunk.replace(quote * 2, b"").rpartition(quote)
        if found:
            before = before.rstrip(b"" if config.delimiter == " " else b" ")
            return not before or before.endswith(openers)
    return False


def _from_the_end(file: CsvFile, quote: bytes) -> Iterator[bytes]:
    """Yield pieces of the file from its end on, none of which begins inside a run of quotes."""
    with file.readable.open("rb") as source:
        end = source.seek(0, os.SEEK_END)
        behind = b""
        while end:
            start = max(0, end - CHUNK)
            source.seek(start)
            chunk = source.read(end - start) + behind
            rest = chunk.lstrip(quote) if start else chunk
            behind = chunk[: len(chunk) - len(rest)]
            end = start
            yield rest


def _last_odd(file: CsvFile, quote: bytes, see: See | None) -> bytes:
    """Return the piece of a compressed file's text that holds its last odd run of quotes."""
    last = carried = b""
    with opened(file.readable, file.compression) as source:
        while data := source.read(CHUNK):
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
    if file.compression == "none":
        return _line_of_open_cell(file.readable, config)
    with (
        temporary_copy(spill_dir) as copy,
        opened(file.readable, file.compression) as source,
    ):
        while data := source.read(CHUNK):
            copy.write(data)
    try:
        return _line_of_open_cell(copy.path, config)
    finally:
        copy.path.unlink()


def _line_of_open_cell(path: Path, config: CsvExtractorConfig) -> int | None:
    quote, delimiter = re.escape(config.quote).encode(), re.escape(config.delimiter).encode()
    others = b"[^" + quote + b"]*"
    start = rb"(?:\A(?:" + _BOM + rb")?|[\r\n" + delimiter + rb"]) *"
    cell = re.compile(
        start + quote + others + b"(?:" + quote * 2 + others + b")*(" + quote + rb"|\Z)"
    )
    with path.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as text:
        for found in cell.finditer(text):
            if not found[1]:
                return text[: found.start() + 1].count(b"\n") + 1
    return None

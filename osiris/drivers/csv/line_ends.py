r"""Keeping DuckDB from misunderstanding where lines end.

DuckDB takes the first line end in a file for the kind that all have, also when it stands in quotes.
A spreadsheet's header with a line break in a cell has LF there and CRLF behind it: every row would
be lost. (Telling DuckDB the kind does not help: `new_line = '\r\n'` loses rows as well.) Such a
file is copied behind a plain first line, which shows the true line end.
"""

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.drivers.csv.files import CHUNK, CsvFile, opened, opened_text, temporary_copy
from osiris.drivers.csv.records import records

_LONGEST = 64_000_000
"""Characters after which a first record is not worth looking at: a quote was not closed."""


def understandable(
    files: Iterable[CsvFile], config: CsvExtractorConfig, spill_dir: Path
) -> tuple[CsvFile, ...]:
    """Return the files, those with a misleading first record as copies.

    Without a header all are copied when one is: they are read by one call.
    """
    heads = {file: _first_lines(file, config) for file in files}
    chosen = [file for file, lines in heads.items() if _misleading(lines)]
    if chosen and not config.header:
        chosen = list(heads)
    return tuple(
        _copied(file, lines, config, spill_dir) if file in chosen else file
        for file, lines in heads.items()
    )


def _first_lines(file: CsvFile, config: CsvExtractorConfig) -> list[str]:
    """Return the lines of the file's first record that is not blank."""
    lines: list[str] = []

    def noted(text: Iterable[str]) -> Iterator[str]:
        length = 0
        for line in text:
            lines.append(line)
            yield line
            length += len(line)
            if length > _LONGEST:
                return

    with opened_text(file) as text:
        next((record for record in records(noted(text), config) if record), None)
    return lines


def _misleading(lines: list[str]) -> bool:
    return len(lines) > 1 and _end(lines[0]) != _true_end(lines)


def _true_end(lines: list[str]) -> str:
    """Return the line end that stands outside of quotes."""
    blank = not lines[0].rstrip("\r\n")
    return _end(lines[0]) if blank else _end(lines[-1]) or "\n"


def _end(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]


def _copied(
    file: CsvFile, lines: list[str], config: CsvExtractorConfig, spill_dir: Path
) -> CsvFile:
    """Copy the file behind a line of its own; that takes the place of a header."""
    width = next((len(record) for record in records(lines, config) if record), 1)
    end = _true_end(lines) if lines else "\n"
    head = config.delimiter.join(f"c{i}" for i in range(width)) + end
    replaced = sum(len(line.encode("utf-8", "surrogateescape")) for line in lines)
    with (
        temporary_copy(spill_dir) as copy,
        opened(file.text, file.text_compression, file.original) as source,
    ):
        copy.write(head.encode())
        data = source.read(CHUNK).removeprefix(codecs.BOM_UTF8)
        skip = replaced if config.header else 0
        while data:
            copy.write(data[skip:])
            skip = max(0, skip - len(data))
            data = source.read(CHUNK)
    return file.copied(copy.path, headed=not config.header)

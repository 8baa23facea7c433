"""Looking into a CSV file record by record with Python's csv module: headers, places of faults."""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.errors import DataError
from osiris.drivers.csv.files import CsvFile, opened_text

_BIG_CELL = 1 << 30
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


def records(text: Iterable[str], config: CsvExtractorConfig, *, strict: bool = False) -> Any:
    """Return a csv reader; a blank line is an empty record."""
    csv.field_size_limit(_BIG_CELL)
    options: dict[str, Any] = {"delimiter": config.delimiter, "strict": strict}
    options |= {"quotechar": config.quote} if config.quote else {"quoting": csv.QUOTE_NONE}
    return csv.reader(text, **options)


def header_of(file: CsvFile, config: CsvExtractorConfig) -> list[str]:
    """Return the names in a file's first record; raise `DataError` when it cannot be one."""
    with opened_text(file) as text:
        try:
            names: list[str] | None = next(records(text, config, strict=True), None)
        except csv.Error as error:
            raise DataError(f"{file.original}:1: the header cannot be read: {error}") from error
    if names is None:
        raise DataError(
            f"{file.original} is empty; it should begin with a line of column names",
            hint="use `header: false` with `columns` for a file without one",
        )
    _check_names(file, names)
    return names


def _check_names(file: CsvFile, names: list[str]) -> None:
    if not names:
        raise DataError(f"{file.original}:1: the first line is blank, not a line of column names")
    if any(_NOT_UTF8.search(name) for name in names):
        raise DataError(
            f"{file.original}:1: the header is not UTF-8 text",
            hint="give the step the `encoding` the file has, for instance utf-16 or cp1252",
        )
    if "" in names:
        raise DataError(
            f"{file.original}:1: column {names.index('') + 1} has no name",
            hint="name it in the file, or use `header: false` with `columns`",
        )
    folded = [name.casefold() for name in names]
    doubled = sorted({name for name in names if folded.count(name.casefold()) > 1})
    if doubled:
        raise DataError(
            f"{file.original}:1: several columns are named {', '.join(map(repr, doubled))}",
            hint="upper and lower case are the same in SQL; rename them, or use `header: false`",
        )


def line_of_record(file: CsvFile, config: CsvExtractorConfig, number: int) -> int:
    """Return the line on which a record begins that DuckDB counts, both from 1.

    Blank lines count as records, and so does a header that was put before the file's text.
    """
    with opened_text(file) as text:
        reader = records(text, config)
        for _ in itertools.islice(_forgiving(reader), number - 1 - file.headed):
            pass
        return int(reader.line_num) + 1


def line_of_row(file: CsvFile, config: CsvExtractorConfig, number: int, width: int) -> int:
    """Return the line on which a row of the table begins, both from 1."""
    blank_is_row = width == 1 and "" in config.null_texts
    with opened_text(file) as text:
        reader = records(text, config)
        if config.header:
            next(reader, None)
        line = int(reader.line_num) + 1
        for record in _forgiving(reader):
            number -= bool(record) or blank_is_row
            if number == 0:
                break
            line = int(reader.line_num) + 1
        return line


def _forgiving(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield records up to one that cannot be read."""
    try:
        yield from reader
    except csv.Error:
        return

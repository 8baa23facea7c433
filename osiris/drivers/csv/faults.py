"""Finding out what is wrong with CSV files, when something is: file, line, column, value."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from osiris.core.errors import DataError
from osiris.drivers.csv.casts import MISFIT, TypedColumn
from osiris.drivers.csv.file_end import QUOTES_HINT, cut_fault
from osiris.drivers.csv.files import CsvFile
from osiris.drivers.csv.records import line_of_record, line_of_row
from osiris.drivers.csv.source import HEAD_ROWS, CsvSource

_SHOWN = 80
_MEANINGS: tuple[tuple[str, str, str], ...] = (
    (
        r"Expected Number of Columns: (\d+) Found: (\d+)",
        "{1} cells where {0} are expected",
        QUOTES_HINT,
    ),
    ("unterminated quote", "a quoted cell is not closed, or text follows its quote", QUOTES_HINT),
    ("Invalid unicode", "this is not UTF-8 text", "give the step the `encoding` the file has"),
    (
        r"Maximum line size of (\d+) bytes exceeded",
        "a row is longer than {0} bytes",
        "raise the step's `max_row_bytes`",
    ),
    (
        "invalid state",
        "line ends are mixed, or a carriage return stands outside of quotes",
        "write the file with one kind of line end",
    ),
)


def may_be_the_files(error: Exception) -> bool:
    """Tell whether an error of whoever ran the scan's SQL can be the files' fault at all."""
    text = str(error)
    marks = (MISFIT, "CSV Error on Line", "CSV Parser", "Parallel CSV Reader", "Invalid unicode")
    return isinstance(error, duckdb.IOException) or any(mark in text for mark in marks)


def find_fault(
    connection: Any, source: CsvSource, columns: Sequence[TypedColumn], spill_dir: Path
) -> DataError | None:
    """Return the first thing wrong with the files, in their order; None when they are sound.

    Every file is read again, with one thread. The answer does not depend on who asks, or on how
    the error was met.
    """
    for file in source.files:
        fault = file.fault() or source.long_row_of(file, spill_dir)
        fault = fault or _broken(connection, source, file, spill_dir)
        fault = fault or _misfit(connection, source, columns, file)
        if fault is not None:
            return fault
    return None


def _broken(connection: Any, source: CsvSource, file: CsvFile, spill_dir: Path) -> DataError | None:
    """Return what makes the file no CSV file."""
    cells = ", ".join(f"count(c{place})" for place in range(source.width))
    query = f"SELECT {cells} FROM {source.read_csv(files=[file], careful=True)}"
    try:
        connection.execute(query).fetchall()
    except duckdb.Error as error:
        return _in_words(source, file, str(error).replace(str(file.readable), file.original))
    # Reading without guessing does not mind when the file ends inside of quotes.
    return cut_fault(file, source.config, spill_dir)


def _in_words(source: CsvSource, file: CsvFile, text: str) -> DataError:
    where = f"{file.original}"
    if found := re.search(r"CSV Error on Line: (\d+)", text):
        where += f":{line_of_record(file, source.config, int(found[1]))}"
    for pattern, meaning, hint in _MEANINGS:
        if found := re.search(pattern, text):
            return DataError(f"{where}: {meaning.format(*found.groups())}", hint=hint)
    facts = [line for line in text.splitlines() if not line.startswith(("*", "Possible", "  "))]
    return DataError(f"{where}: {' '.join(facts)[: 4 * _SHOWN]}", hint=QUOTES_HINT)


def _misfit(
    connection: Any, source: CsvSource, columns: Sequence[TypedColumn], file: CsvFile
) -> DataError | None:
    """Return the first cell that does not fit its column's type."""
    typed = [column for column in columns if column.type != "string"]
    if not typed:
        return None
    cells = ", ".join(f"{column.misfit}, {column.cell}" for column in typed)
    numbered = (
        f"SELECT row_number() OVER () AS n, * FROM {source.read_csv(files=[file], careful=True)}"
    )
    wrong = " OR ".join(column.misfit for column in typed)
    query = f"SELECT n, {cells} FROM ({numbered}) WHERE {wrong} ORDER BY n LIMIT 1"
    rows = connection.execute(query).fetchall()
    if not rows:
        return None
    number, *flags = rows[0]
    column, value = next(
        (column, flags[2 * i + 1]) for i, column in enumerate(typed) if flags[2 * i]
    )
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    line = line_of_row(file, source.config, number, source.width)
    return DataError(
        f"{file.original}:{line}: column {column.name!r}: {shown!r} does not fit {column.type}",
        hint=_declare(column),
    )


def _declare(column: TypedColumn) -> str:
    if column.inferred:
        return (
            f"the type was inferred from the first {HEAD_ROWS} rows; declare it, for instance "
            f"`columns: {{{column.name}: string}}`, which takes every value"
        )
    return f"correct the file, or declare `columns: {{{column.name}: string}}`"

"""Guessing a column's type from the head of a file, so that no value loses anything.

A type is taken when every value of the head that is not NULL is in the type's plain form: no
leading zeros, ISO 8601, true or false. Otherwise the column is a string. A later value that does
not fit is an error, never a NULL. The head is the same rows however many threads read.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from osiris.core.cancel import CancelToken
from osiris.drivers.csv.casts import TypedColumn
from osiris.drivers.csv.faults import find_fault
from osiris.drivers.csv.source import HEAD_ROWS, CsvSource
from osiris.drivers.duckdb.connection import connect

_NUMBER = "-?(0|[1-9][0-9]*)"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIMESTAMP = _DATE + "[ T][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?"
_FORMS = (
    ("boolean", "(?i)true|false"),
    ("bigint", "-?(0|[1-9][0-9]{0,18})"),
    ("decimal", f"{_NUMBER}([.][0-9]+)?"),
    ("double", f"{_NUMBER}([.][0-9]+)?([eE][+-]?[0-9]+)?"),
    ("date", _DATE),
    ("timestamp", _TIMESTAMP),
    ("timestamptz", _TIMESTAMP + " ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?)"),
)
_MOST_BEHIND = 9
"""Columns with more digits behind the point hold measurements: doubles, if those hold them."""
_SHORT, _LONG = 18, 38
_HEADROOM = 3


def infer_types(source: CsvSource, spill_dir: Path, cancelled: CancelToken) -> list[str]:
    """Return a canonical type for each column, from the first rows of the source.

    Raises `DataError` when they cannot be read.
    """
    with closing(
        connect(paths=source.paths, spill_dir=spill_dir, memory_limit=source.memory_limit)
    ) as connection:
        forget = cancelled.on_cancel(connection.interrupt)
        try:
            return _inferred(connection, source)
        except duckdb.Error as error:
            cancelled.raise_if_set()
            raise find_fault(connection, source, (), spill_dir) or error from error
        finally:
            forget()


def _inferred(connection: Any, source: CsvSource) -> list[str]:
    head = f"FROM {source.read_csv(careful=True)} LIMIT {HEAD_ROWS}"
    connection.execute(f"CREATE TEMP TABLE head AS {head}")
    forms = ", ".join(_forms(f"c{place}") for place in range(source.width))
    (row,) = connection.execute(f"SELECT {forms} FROM head").fetchall()
    each = len(row) // source.width
    kinds = [_candidates(row[i * each : (i + 1) * each]) for i in range(source.width)]
    return [_first_that_fits(connection, place, kind) for place, kind in enumerate(kinds)]


def _forms(cell: str) -> str:
    """What must be known of a column to choose: which forms all its cells have, and its digits."""
    fits = [f"bool_and(regexp_full_match({cell}, '{form}'))" for _, form in _FORMS]
    whole = f"max(strlen(ltrim(split_part({cell}, '.', 1), '-')))"
    behind = f"max(strlen(split_part({cell}, '.', 2)))"
    return ", ".join([*fits, whole, behind])


def _candidates(row: Sequence[Any]) -> list[str]:
    *fits, whole, behind = row
    kinds = [kind for (kind, _), fit in zip(_FORMS, fits, strict=True) if fit]
    if "decimal" in kinds:
        if behind <= _MOST_BEHIND and whole + behind <= _LONG:
            # Room for larger values further down, as much as costs nothing.
            digits = _SHORT if whole + behind <= _SHORT - _HEADROOM else _LONG
            kinds[kinds.index("decimal")] = f"decimal({digits},{behind})"
        else:
            kinds.remove("decimal")
    return kinds


def _first_that_fits(connection: Any, place: int, kinds: Sequence[str]) -> str:
    """Return the first type that takes every cell of the head, whatever its form promises."""
    for kind in kinds:
        misfit = TypedColumn("", place, kind, inferred=True).misfit
        if not connection.execute(f"SELECT 1 FROM head WHERE {misfit} LIMIT 1").fetchall():
            return kind
    return "string"

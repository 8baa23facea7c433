"""Column values as JSON that PostgREST hands to PostgreSQL without losing anything.

PostgREST lets PostgreSQL read every value by the column's own type (`json_to_recordset`), from text
as well as from JSON's types. So all but booleans, lists and JSON itself go as text: no integer and
no decimal passes through a floating-point number.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from osiris.core.csv_text import UnwritableError, as_text
from osiris.core.errors import DataError
from osiris.drivers.postgres.column_types import PostgresType
from osiris.drivers.relational.unfit import UnfitError, shown_value

_NULL: Final = "null"

_TEXT: Final = PostgresType("text", pa.string())

_YEAR: Final = re.compile(r'"(?P<year>-?\d+)(?P<rest>-[^"]*)"')

Convert = Callable[[pa.Array], list[str | None]]


def json_rows(
    arrays: Sequence[pa.Array], names: Sequence[str], types: Sequence[PostgresType], before: int
) -> list[str]:
    """Return each row as a JSON object; arrays are as `conform` makes them.

    Raises `DataError` for a value that has no such form, by its row; `before` rows came earlier.
    """
    fields = []
    for array, name, kind in zip(arrays, names, types, strict=True):
        head = f"{_dump(name)}:"
        try:
            fields.append([head + value for value in json_values(array, kind)])
        except (UnfitError, UnwritableError) as error:
            position = error.position if isinstance(error, UnfitError) else error.row
            raise DataError(
                f"column {name!r}, row {before + position + 1}: {error}",
                hint="correct the data or the query",
            ) from error
    return ["{" + ",".join(row) + "}" for row in zip(*fields, strict=True)]


def json_values(array: pa.Array, column: PostgresType) -> list[str]:
    """Return the values of one column, each as JSON."""
    if pa.types.is_list(array.type):
        element = column.element if isinstance(column.element, PostgresType) else _TEXT
        inner = iter(json_values(pc.list_flatten(array), element))
        lengths = pc.list_value_length(array).to_pylist()
        return [_NULL if n is None else _list(islice(inner, n)) for n in lengths]
    convert: Convert = _CONVERSIONS.get(column.wire, _texts)
    return [_NULL if value is None else value for value in convert(array)]


def _list(values: Iterable[str]) -> str:
    return f"[{','.join(values)}]"


def _dump(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _texts(array: pa.Array) -> list[str | None]:
    texts = as_text(array).cast(pa.string()).to_pylist()
    return [None if text is None else _dump(text) for text in texts]


def _dates(array: pa.Array) -> list[str | None]:
    """Years from 0 down are those before Christ, of which PostgreSQL's first is 1."""
    return [text and _YEAR.sub(_christian, text) for text in _texts(array)]


def _christian(date: re.Match[str]) -> str:
    year = int(date["year"])
    return date.group() if year > 0 else f'"{1 - year:04d}{date["rest"]} BC"'


def _booleans(array: pa.Array) -> list[str | None]:
    return [None if value is None else str(value).lower() for value in array.to_pylist()]


def _bytes(array: pa.Array) -> list[str | None]:
    return [None if value is None else _dump(f"\\x{value.hex()}") for value in array.to_pylist()]


def _uuids(array: pa.Array) -> list[str | None]:
    return [None if value is None else _dump(value.hex()) for value in array.to_pylist()]


def _json(array: pa.Array) -> list[str | None]:
    values: list[str | None] = array.to_pylist()
    for position, value in enumerate(values):
        if value is not None and (why := _no_json(value)):
            raise UnfitError(position, shown_value(array, position), why)
    return values


def _no_json(text: str) -> str | None:
    """Say why a text cannot stand for itself in a request."""
    try:
        value = json.loads(text)
    except ValueError as error:
        return f"it is no JSON: {error}"
    return "JSON's null would arrive as NULL" if value is None else None


_CONVERSIONS: Final[dict[str, Convert]] = {
    "bool": _booleans,
    "bytea": _bytes,
    "date": _dates,
    "timestamp": _dates,
    "timestamptz": _dates,
    "uuid": _uuids,
    "json": _json,
    "jsonb": _json,
}

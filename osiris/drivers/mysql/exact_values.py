"""Values that MySQL would take and give back as others, so that they are refused beforehand."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from osiris.drivers.mysql.column_types import members
from osiris.drivers.relational.column_type import Column
from osiris.drivers.relational.unfit import UnfitError, shown_value

Check = Callable[[pa.Array, str], Iterator[tuple[pa.Array, str]]]
_KIND: Final = re.compile(r"[a-z]+")
_YEAR_DIGITS: Final = 4
_FIRST_YEAR: Final = 1901
_NUMBER: Final = re.compile(r"\((\d+)\)")


def check_exact(array: pa.Array, column: Column) -> None:
    """Raise `UnfitError` for the first value that the column would not give back as it is."""
    if not column.nullable and array.null_count:
        raise UnfitError(_first(array.is_null()), "NULL", "the column must not be NULL")
    kind = _KIND.match(column.type.name)
    check = _CHECKS.get(kind.group()) if kind else None
    if check is None or column.type.parsed:
        return
    for wrong, why in check(array, column.type.name):
        at = _first(wrong)
        if at >= 0:
            raise UnfitError(at, shown_value(array, at), why)


def as_sent(array: pa.Array, column: Column) -> pa.Array:
    """Return the values as the server takes them: a YEAR of fewer digits means another century."""
    if column.type.name.startswith("year"):
        return pc.utf8_lpad(array.cast(pa.string()), width=_YEAR_DIGITS, padding="0")
    return array


def _first(wrong: pa.Array) -> int:
    position: int = pc.index(wrong, value=True).as_py()
    return position


def _finite(array: pa.Array, _: str) -> Iterator[tuple[pa.Array, str]]:
    if pa.types.is_floating(array.type):
        yield pc.invert(pc.is_finite(array)), "MySQL has neither NaN nor infinities"


def _years(array: pa.Array, _: str) -> Iterator[tuple[pa.Array, str]]:
    short = pc.and_(pc.greater(array, 0), pc.less(array, _FIRST_YEAR))
    yield short, f"a YEAR column has 0 and the years from {_FIRST_YEAR} on"


def _unpadded(array: pa.Array, _: str) -> Iterator[tuple[pa.Array, str]]:
    yield pc.ends_with(array, " "), "a CHAR column drops spaces at the end"


def _whole(array: pa.Array, full: str) -> Iterator[tuple[pa.Array, str]]:
    found = _NUMBER.search(full)
    size = int(found[1]) if found else 1
    why = f"a BINARY column fills it up to {size} bytes"
    yield pc.less(pc.binary_length(array), size), why


def _whole_bits(array: pa.Array, full: str) -> Iterator[tuple[pa.Array, str]]:
    found = _NUMBER.search(full)
    size = ((int(found[1]) if found else 1) + 7) // 8
    yield pc.less(pc.binary_length(array), size), f"a BIT column fills it up to {size} bytes"


def _member(array: pa.Array, full: str) -> Iterator[tuple[pa.Array, str]]:
    known = pa.array(members(full), pa.string())
    unknown = pc.and_(pc.invert(pc.is_in(array, value_set=known)), array.is_valid())
    yield unknown, "it is none of the column's values"


def _members(array: pa.Array, full: str) -> Iterator[tuple[pa.Array, str]]:
    known = members(full)
    order: dict[str, Any] = {member: place for place, member in enumerate(known)}
    bad = [
        text
        for text in array.unique().to_pylist()
        if text and not _ascending([order.get(part) for part in text.split(",")])
    ]
    wrong = pc.is_in(array, value_set=pa.array(bad, pa.string()))
    yield wrong, f"it is no list of the column's values in their order ({','.join(known)})"


def _ascending(places: list[int | None]) -> bool:
    whole = [place for place in places if place is not None]
    return len(whole) == len(places) and whole == sorted(set(whole))


_CHECKS: Final[dict[str, Check]] = {
    "float": _finite,
    "double": _finite,
    "char": _unpadded,
    "binary": _whole,
    "bit": _whole_bits,
    "enum": _member,
    "set": _members,
    "year": _years,
}

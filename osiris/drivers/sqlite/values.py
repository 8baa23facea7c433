"""SQLite's values, which may be of any type in any row, as Arrow columns of one type each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from osiris.core.errors import DataError
from osiris.core.named_types import arrow_type

_MISFITS = (pa.ArrowException, ValueError, TypeError, OverflowError)
_SHOWN = 80
_KINDS = {int: "integer", float: "real", str: "text", bytes: "blob"}


@dataclass(frozen=True)
class TypedColumn:
    """A column of a result and the type it is read in.

    `chosen` tells that the pipeline names the type: string and binary take every value then.
    """

    name: str
    type: str
    chosen: bool

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type."""
        return arrow_type(self.type)

    def array(self, values: Sequence[Any], *, path: str, before: int) -> pa.Array:
        """Return the values as an array; raise `DataError` for the first that does not fit.

        `before` is the number of rows before the first value.
        """
        try:
            return self._converted(values)
        except _MISFITS as error:
            place = self._first_misfit(values)
            raise self._error(values[place], path, before + place + 1) from error

    def _first_misfit(self, values: Sequence[Any]) -> int:
        for place, value in enumerate(values):
            try:
                self._converted([value])
            except _MISFITS:
                return place
        return 0

    def _error(self, value: Any, path: str, row: int) -> DataError:
        text = str(value)
        shown = repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
        kind = _KINDS.get(type(value), "NULL")
        every = "binary" if isinstance(value, bytes) else "string"
        return DataError(
            f"{path}: row {row}, column {self.name!r}: {shown} ({kind}) does not fit {self.type}",
            hint=f"correct the value, or read the column with `types: {{{self.name}: {every}}}`, "
            "which takes every value",
        )

    def _converted(self, values: Sequence[Any]) -> pa.Array:
        if self.chosen and self.type in _AS_TEXT:
            values = [_AS_TEXT[self.type](value) for value in values]
        kinds = {type(value) for value in values}
        kinds.discard(type(None))
        if not kinds <= _ACCEPTED.get(self.type, _NUMBERS):
            raise TypeError(kinds)
        if self.type == "boolean":
            return pa.array([_truth(value) for value in values], pa.bool_())
        if self.type == "time":
            on_a_day = [None if value is None else f"1970-01-01T{value}" for value in values]
            return pa.array(on_a_day, pa.string()).cast(pa.timestamp("us")).cast(self.arrow)
        if self.type in _TEMPORAL:
            return pa.array(values, pa.string()).cast(self.arrow)
        if pa.types.is_decimal(self.arrow):
            return pa.array([_decimal(value) for value in values], self.arrow)
        return pa.array(values, self.arrow)


_INTEGERS = {
    *("tinyint", "smallint", "integer", "bigint"),
    *("utinyint", "usmallint", "uinteger", "ubigint"),
}
_TEMPORAL = {"date", "time", "timestamp", "timestamptz"}
_NUMBERS = {int, float, str}
_ACCEPTED: dict[str, set[type]] = {
    "string": {str},
    "binary": {bytes},
    "float": {int, float},
    "double": {int, float},
    **{name: {str} for name in _TEMPORAL},
    **{name: {int} for name in _INTEGERS},
    "boolean": {int},
}
"""The kinds of values that a type takes; a decimal takes numbers and what reads as one."""


def _truth(value: int | None) -> bool | None:
    if value not in {None, 0, 1}:
        raise ValueError(value)
    return None if value is None else bool(value)


def _decimal(value: Any) -> Decimal | None:
    """Return a value as it is written: 12.34 was stored as the binary number nearest to it."""
    if value is None:
        return None
    try:
        return Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation as error:
        raise ValueError(value) from error


def _text(value: Any) -> Any:
    return repr(value) if isinstance(value, float) else str(value)


def _as_text(value: Any) -> Any:
    """Return any value as text; a blob only when it is UTF-8."""
    if value is None or isinstance(value, str):
        return value
    return value.decode() if isinstance(value, bytes) else _text(value)


def _as_bytes(value: Any) -> Any:
    """Return any value as bytes, a text in UTF-8."""
    if value is None or isinstance(value, bytes):
        return value
    return str(_as_text(value)).encode()


_AS_TEXT: dict[str, Callable[[Any], Any]] = {"string": _as_text, "binary": _as_bytes}

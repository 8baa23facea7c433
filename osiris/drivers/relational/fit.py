"""Whether a column can hold the values of an Arrow type: all of them, some, or none."""

from collections.abc import Callable
from enum import Enum
from typing import Any, Final

import pyarrow as pa

from osiris.drivers.relational.column_type import ColumnType
from osiris.drivers.relational.plain_type import is_list, plain_type

_IS: Final = pa.types
_FLOAT_DIGITS: Final = {32: 24, 64: 53}
"""Bits of an integer that a float of so many bits holds exactly."""
_INTEGER_DIGITS: Final = {8: 3, 16: 5, 32: 10, 64: 20}
_FRACTION: Final = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_BOUNDED: Final = frozenset({"date", "timestamp", "timestamptz"})


class Fit(Enum):
    """How the values of one type go into another; nothing is ever rounded."""

    EXACT = "every value fits"
    CHECKED = "a value may not fit, so each is looked at"
    NONE = "the values mean something else"


_KINDS: Final[tuple[tuple[Callable[[Any], bool], str], ...]] = (
    (lambda kind: kind == pa.json_(), "json"),
    (lambda kind: kind == pa.uuid(), "uuid"),
    (_IS.is_null, "null"),
    (_IS.is_boolean, "bool"),
    (_IS.is_integer, "integer"),
    (_IS.is_floating, "float"),
    (_IS.is_decimal, "decimal"),
    (_IS.is_string, "text"),
    (_IS.is_binary, "binary"),
    (_IS.is_date, "date"),
    (_IS.is_time, "time"),
    (lambda kind: _IS.is_timestamp(kind) and kind.tz is None, "timestamp"),
    (_IS.is_timestamp, "timestamptz"),
    (_IS.is_duration, "duration"),
    (_IS.is_interval, "interval"),
    (is_list, "list"),
    (_IS.is_nested, "nested"),
)


def kind_of(arrow: pa.DataType) -> str:
    """Return the family of a type: such as `integer`, `text`, `timestamptz`."""
    plain = plain_type(arrow)
    return next((name for matches, name in _KINDS if matches(plain)), "unknown")


def digits(arrow: pa.DataType) -> tuple[int, int]:
    """Return the decimal digits before and after the point of an integer or decimal type."""
    if _IS.is_boolean(arrow):
        return 1, 0
    if _IS.is_integer(arrow):
        # 9223372036854775807 has 19 digits, 18446744073709551615 has 20.
        return _INTEGER_DIGITS[arrow.bit_width] - (arrow == pa.int64()), 0
    return arrow.precision - arrow.scale, arrow.scale


def integer_range(arrow: pa.DataType) -> tuple[int, int]:
    """Return the least and the greatest value of an integer type."""
    if _IS.is_signed_integer(arrow):
        half = 1 << (arrow.bit_width - 1)
        return -half, half - 1
    return 0, (1 << arrow.bit_width) - 1


def _integers(source: pa.DataType, target: ColumnType) -> bool:
    least, most = integer_range(source)
    low, high = integer_range(target.arrow)
    return low <= least and most <= high


def _digits(source: pa.DataType, target: ColumnType) -> bool:
    pairs = zip(digits(source), digits(target.arrow), strict=True)
    return target.unbounded or all(a <= b for a, b in pairs)


def _float_bits(source: pa.DataType, target: ColumnType) -> bool:
    bits = source.bit_width - _IS.is_signed_integer(source)
    return bool(bits <= _FLOAT_DIGITS[target.arrow.bit_width])


def _wider(source: pa.DataType, target: ColumnType) -> bool:
    return bool(source.bit_width <= target.arrow.bit_width)


def _unlimited(_: pa.DataType, target: ColumnType) -> bool:
    return target.length is None


def _micro(source: pa.DataType, target: ColumnType) -> bool:
    return target.fraction >= _FRACTION[source.unit]


def _yes(_: pa.DataType, __: ColumnType) -> bool:
    return True


def _no(_: pa.DataType, __: ColumnType) -> bool:
    return False


# (kind of the input, kind of the column): whether every value fits; some fit if not.
# What is not here does not go together.
_PAIRS: Final[dict[tuple[str, str], Callable[[Any, ColumnType], bool]]] = {
    ("bool", "bool"): _yes,
    ("bool", "integer"): _yes,
    ("integer", "bool"): _no,
    ("integer", "integer"): _integers,
    ("integer", "decimal"): _digits,
    ("integer", "float"): _float_bits,
    ("decimal", "integer"): _no,
    ("decimal", "decimal"): _digits,
    ("float", "integer"): _no,
    ("float", "float"): _wider,
    ("text", "text"): _unlimited,
    ("text", "json"): _no,
    ("text", "uuid"): _no,
    ("json", "text"): _unlimited,
    ("json", "json"): _yes,
    ("uuid", "text"): _unlimited,
    ("uuid", "uuid"): _yes,
    ("binary", "binary"): _unlimited,
    ("date", "date"): _yes,
    ("date", "timestamp"): _yes,
    ("time", "time"): _micro,
    ("timestamp", "timestamp"): _micro,
    ("timestamptz", "timestamptz"): _micro,
    ("duration", "duration"): _micro,
    ("duration", "interval"): _micro,
    ("duration", "time"): _no,
    ("interval", "interval"): _no,
    ("list", "json"): _yes,
    ("nested", "json"): _yes,
    ("nested", "text"): _unlimited,
    ("list", "text"): _unlimited,
}


def element_of(column: ColumnType) -> ColumnType:
    """Return the type of the values of a list column."""
    return column.element or ColumnType(column.name, column.arrow.value_type)


def fit_of(source: pa.DataType, target: ColumnType) -> Fit:
    """Tell how the values of an Arrow type go into a column.

    Exact says nothing of the character NUL, which is looked for in every text where it must.
    """
    plain = plain_type(source)
    here, there = kind_of(plain), kind_of(target.arrow)
    if here == "null":
        return Fit.EXACT
    if target.parsed:
        return Fit.CHECKED if plain == target.arrow else Fit.NONE
    if (here, there) == ("list", "list"):
        return fit_of(plain.value_type, element_of(target))
    if (here, there) == ("nested", "nested"):
        return Fit.EXACT if plain == target.arrow else Fit.NONE
    rule = _PAIRS.get((here, there))
    if rule is None:
        return Fit.NONE
    bounded = target.bounds is not None and there in _BOUNDED
    return Fit.EXACT if rule(plain, target) and not bounded else Fit.CHECKED

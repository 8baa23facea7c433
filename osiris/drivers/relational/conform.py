"""Turning a column of the input into exactly what the table's column holds, or saying what fails.

Every conversion is Arrow's checked cast or a comparison of its own: a value comes out the same or
not at all.
"""

from collections.abc import Callable
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from osiris.core.csv_text import as_text
from osiris.drivers.relational.column_type import ColumnType
from osiris.drivers.relational.fit import element_of, kind_of
from osiris.drivers.relational.limits import check_limits
from osiris.drivers.relational.plain_type import decoded, plain_type
from osiris.drivers.relational.unfit import UnfitError, shown_value

_INTEGER_DIGITS: Final = 20
_DAY_MICROSECONDS: Final = 86_400_000_000
_NANO: Final = 1000


def conform(array: pa.Array, column: ColumnType) -> pa.Array:
    """Return the values as an array of `column.arrow` (of its storage for JSON and UUID).

    Times come as microseconds. Raises `UnfitError` with the place of the first value that does
    not fit and why.
    """
    array = decoded(array)
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), storage_of(column.arrow))
    if (kind_of(array.type), kind_of(column.arrow)) == ("list", "list"):
        return _list(array, column)
    arrow = _own_decimal(array.type) if column.unbounded else column.arrow
    convert = _CONVERSIONS.get((kind_of(array.type), kind_of(column.arrow)), _cast)
    made = _first_failure(array, arrow, convert)
    check_limits(made, column)
    return made


def conform_or_null(array: pa.Array, column: ColumnType) -> tuple[pa.Array, int]:
    """Return the values as `conform` does, NULL where one does not fit, and how many those are."""
    try:
        return conform(array, column), 0
    except UnfitError as unfit:
        if len(array) == 1:
            return pa.nulls(1, storage_of(column.arrow)), 1
        # All before the first that does not fit are known to be well.
        cut = unfit.position or len(array) // 2
    parts = [conform_or_null(piece, column) for piece in (array[:cut], array[cut:])]
    return pa.concat_arrays([part for part, _ in parts]), sum(count for _, count in parts)


def storage_of(arrow: pa.DataType) -> pa.DataType:
    """Return the type of the arrays that stand for a column's values."""
    return arrow.storage_type if isinstance(arrow, pa.BaseExtensionType) else arrow


Convert = Callable[[pa.Array, pa.DataType], pa.Array]


def _first_failure(array: pa.Array, arrow: pa.DataType, convert: Convert) -> pa.Array:
    """Convert all; when that fails, find the first value for which it does."""
    try:
        return convert(array, arrow)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        good, bad = 0, len(array)  # the first `good` are well, among the first `bad` one is not
        reason = str(error)
        while bad - good > 1:
            middle = (good + bad) // 2
            try:
                convert(array[good:middle], arrow)
                good = middle
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as narrower:
                bad, reason = middle, str(narrower)
        raise UnfitError(good, shown_value(array, good), _clause(reason)) from error


def _clause(text: str) -> str:
    return text.splitlines()[0].rstrip(".") if text else "it cannot be converted"


def _cast(array: pa.Array, arrow: pa.DataType) -> pa.Array:
    return array.cast(storage_of(arrow))


def _refuse(bad: pa.Array, why: str) -> None:
    if pc.any(bad).as_py():
        raise ValueError(why)


def _integer_to_bool(array: pa.Array, _: pa.DataType) -> pa.Array:
    _refuse(pc.not_equal(array, pc.if_else(pc.equal(array, 0), 0, 1)), "it is neither 0 nor 1")
    return array.cast(pa.bool_())


def _integer_to_decimal(array: pa.Array, arrow: pa.DataType) -> pa.Array:
    wide = pa.decimal256 if pa.types.is_decimal256(arrow) else pa.decimal128
    return array.cast(wide(_INTEGER_DIGITS, 0)).cast(arrow)


def _float_to_float(array: pa.Array, arrow: pa.DataType) -> pa.Array:
    made = array.cast(arrow)
    if array.type.bit_width > arrow.bit_width:
        same = pc.or_(pc.equal(made.cast(array.type), array), pc.is_nan(array))
        _refuse(pc.invert(same), f"a {arrow} does not hold all its digits")
    return made


def _text_to_uuid(array: pa.Array, _: pa.DataType) -> pa.Array:
    plain = pc.replace_substring(pc.utf8_lower(array.cast(pa.string())), "-", "")
    shaped = pc.match_substring_regex(
        array.cast(pa.string()), r"^[0-9A-Fa-f]{8}(-?[0-9A-Fa-f]{4}){3}-?[0-9A-Fa-f]{12}$"
    )
    _refuse(pc.invert(shaped), "it is no UUID")
    raw = [None if text is None else bytes.fromhex(text) for text in plain.to_pylist()]
    return pa.array(raw, pa.binary(16))


def _uuid_to_text(array: pa.Array, _: pa.DataType) -> pa.Array:
    return as_text(array).cast(pa.string())


def _uuid(array: pa.Array, _: pa.DataType) -> pa.Array:
    return array.storage


def _json_to_text(array: pa.Array, _: pa.DataType) -> pa.Array:
    return array.storage.cast(pa.string())


def _to_json(array: pa.Array, _: pa.DataType) -> pa.Array:
    return as_text(array).cast(pa.string())


def _date_to_timestamp(array: pa.Array, arrow: pa.DataType) -> pa.Array:
    return array.cast(pa.date32()).cast(arrow)


def _duration_to_time(array: pa.Array, arrow: pa.DataType) -> pa.Array:
    micro = array.cast(pa.duration("us")).cast(pa.int64())
    outside = pc.or_(pc.less(micro, 0), pc.greater_equal(micro, _DAY_MICROSECONDS))
    _refuse(outside, "it is no time of a day")
    return micro.cast(arrow)


def _duration_to_interval(array: pa.Array, arrow: pa.DataType) -> pa.Array:
    parts = _interval_of(array.cast(pa.duration("us")).cast(pa.int64()))
    return pa.array(parts, arrow)


def _interval_of(micro: pa.Array) -> list[Any]:
    return [None if n is None else (0, 0, n * _NANO) for n in micro.to_pylist()]


def _interval(array: pa.Array, _: pa.DataType) -> pa.Array:
    parts = [v for v in array.to_pylist() if v is not None]
    if any(part.nanoseconds % _NANO for part in parts):
        raise ValueError("an interval keeps microseconds, not nanoseconds")
    return array


def _own_decimal(kind: pa.DataType) -> pa.DataType:
    """Return the decimal type that has all digits of a number's type."""
    return plain_type(kind) if pa.types.is_decimal(kind) else pa.decimal128(_INTEGER_DIGITS, 0)


def _list(array: pa.Array, column: ColumnType) -> pa.Array:
    plain = array if pa.types.is_list(array.type) else array.cast(pa.list_(array.type.value_type))
    try:
        inner = conform(pc.list_flatten(plain), element_of(column))
    except UnfitError as unfit:  # its position counts elements
        parent = pc.list_parent_indices(plain)[unfit.position].as_py()
        raise UnfitError(parent, unfit.value, unfit.why) from unfit
    lengths = pc.fill_null(pc.list_value_length(plain), 0)
    ends = pc.cumulative_sum(lengths.cast(pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    mask = array.is_null() if array.null_count else None
    return pa.ListArray.from_arrays(offsets, inner, mask=mask)


_CONVERSIONS: Final[dict[tuple[str, str], Convert]] = {
    ("integer", "bool"): _integer_to_bool,
    ("integer", "decimal"): _integer_to_decimal,
    ("float", "float"): _float_to_float,
    ("text", "uuid"): _text_to_uuid,
    ("uuid", "text"): _uuid_to_text,
    ("uuid", "uuid"): _uuid,
    ("json", "text"): _json_to_text,
    ("json", "json"): _json_to_text,
    ("list", "json"): _to_json,
    ("nested", "json"): _to_json,
    ("list", "text"): _to_json,
    ("nested", "text"): _to_json,
    ("date", "timestamp"): _date_to_timestamp,
    ("duration", "time"): _duration_to_time,
    ("duration", "interval"): _duration_to_interval,
    ("interval", "interval"): _interval,
}

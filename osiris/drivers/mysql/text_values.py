"""Values of the text protocol, for the statements a server cannot prepare.

These are SHOW and the like, small results: what Arrow cannot parse is parsed value by value.
"""

import re
from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa

from osiris.drivers.mysql.cells import Decoded, UnreadableValueError, converted

_DATE_TIME: Final = re.compile(rb"(\d+)-(\d+)-(\d+)(?: (\d+):(\d+):(\d+)(?:\.(\d{1,6}))?)?")
_TIME: Final = re.compile(rb"(-?)(\d+):(\d+):(\d+)(?:\.(\d{1,6}))?")


def parsed(values: pa.Array, kind: pa.DataType) -> Decoded:
    """Return the values of type `kind` that the binary array `values` spells.

    Raises `UnreadableValueError` for a text that spells no value of the type.
    """
    if pa.types.is_null(kind):
        return Decoded(values.cast(kind), 0)
    if pa.types.is_float32(kind):
        raise UnreadableValueError(
            "is a FLOAT, which the server rounds to six digits when it cannot prepare the query"
            " (use CAST(… AS DOUBLE))"
        )
    if pa.types.is_boolean(kind):
        return Decoded(_bools(values), 0)
    parse = _PARSERS.get(kind)
    if parse is None:
        return Decoded(converted(values, kind), 0)
    numbers = [parse(text) if text is not None else None for text in values.to_pylist()]
    whole = pa.array(numbers, pa.int32() if kind == pa.date32() else pa.int64())
    no_dates = np.array([number is None for number in numbers], np.bool_)
    no_dates &= values.is_valid().to_numpy(zero_copy_only=False)
    return Decoded(whole.cast(kind), 0, no_dates if no_dates.any() else None)


def _bools(values: pa.Array) -> pa.Array:
    numbers = converted(values, pa.int8())
    for number in numbers.unique().to_pylist():
        if number not in {None, 0, 1}:
            raise UnreadableValueError(f"holds {number}, which is neither 0 nor 1")
    return numbers.cast(pa.bool_())


def _date(text: bytes) -> int | None:
    micros = _timestamp(text)
    return None if micros is None else micros // 86_400_000_000


def _timestamp(text: bytes) -> int | None:
    """Return microseconds since 1970, None for what is no date."""
    found = _DATE_TIME.fullmatch(text)
    if not found:
        raise UnreadableValueError(f"holds {text!r}, which is no date")
    year, month, day = (int(part) for part in found.groups()[:3])
    try:
        days = np.datetime64(f"{year:04}-{month:02}-{day:02}", "D").astype(np.int64)
    except ValueError:
        return None
    return int(days) * 86_400_000_000 + _clock(*found.groups()[3:])


def _duration(text: bytes) -> int:
    found = _TIME.fullmatch(text)
    if not found:
        raise UnreadableValueError(f"holds {text!r}, which is no time")
    micros = _clock(*found.groups()[1:])
    return -micros if found[1] else micros


def _clock(
    hour: bytes | None, minute: bytes | None, second: bytes | None, fraction: bytes | None
) -> int:
    seconds = int(hour or 0) * 3600 + int(minute or 0) * 60 + int(second or 0)
    return seconds * 1_000_000 + int((fraction or b"").ljust(6, b"0"))


_PARSERS: Final[dict[pa.DataType, Callable[[bytes], int | None]]] = {
    pa.date32(): _date,
    pa.timestamp("us"): _timestamp,
    pa.duration("us"): _duration,
}

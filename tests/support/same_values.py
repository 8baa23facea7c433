"""Telling whether a value that came back from a store is the value that was written."""

import json
import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d(?:\.\d+)?))?(?:([+-])(\d\d):?(\d\d)|Z)?"
)
_SPAN = re.compile(r"P(-?\d+)M(-?\d+)DT(-?)(\d+)(?:\.(\d{1,6}))?S")
_CLOCK = re.compile(r"(-?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_MICRO = 1_000_000


def values_of(column: pa.ChunkedArray) -> list[Any]:
    """Return plain values: times and durations in microseconds, dates in days, NaN as a text."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return values_of(pa.chunked_array([c.storage for c in column.chunks], kind.storage_type))
    if pa.types.is_date(kind):
        column = column.cast(pa.date32()).cast(pa.int32())
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64())
    elif pa.types.is_time(kind):
        column = column.cast(pa.time64("us")).cast(pa.int64())
    elif pa.types.is_duration(kind):
        column = column.cast(pa.duration("us")).cast(pa.int64())
    return [_plain(value) for value in column.to_pylist()]


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, pa.MonthDayNano):
        months, days, nanos = value
        return nanos // 1000 if not months and not days else (months, days, nanos // 1000)
    return value


def same(kind: pa.DataType, wrote: Any, found: Any) -> bool:
    """Tell whether `found` is `wrote`, a plain value of a column of this type."""
    if wrote is None or found is None:
        return wrote is found
    if wrote == found:
        return True
    if isinstance(wrote, bytes) and len(wrote) == 16 and kind == pa.uuid():
        return str(found).replace("-", "") == wrote.hex()
    if not isinstance(found, str):
        return False
    if pa.types.is_nested(kind) or (isinstance(wrote, str) and not pa.types.is_floating(kind)):
        return _same_json(wrote, found)
    return bool(_parsed(kind, found) == wrote)


def _same_json(wrote: Any, found: str) -> bool:
    try:
        said = (
            json.loads(wrote)
            if isinstance(wrote, str)
            else json.loads(json.dumps(wrote, default=_inner))
        )
        return bool(json.loads(found) == said)
    except json.JSONDecodeError:
        return False


def _inner(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value)


def _groups(pattern: re.Pattern[str], text: str) -> tuple[str | Any, ...]:
    match = pattern.fullmatch(text)
    assert match is not None, text
    return match.groups()


def _fraction(digits: str | None) -> int:
    return int((digits or "").ljust(6, "0"))


def _micros(text: str) -> int:
    sign, hours, minutes, seconds, fraction = _groups(_CLOCK, text)
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    micros = whole * _MICRO + _fraction(fraction)
    return -micros if sign else micros


def _since_1970(text: str) -> int:
    date, clock, sign, hours, minutes = _groups(_INSTANT, text)
    stamp = int(np.datetime64(f"{date}T{clock or '00:00:00'}", "us").astype(np.int64))
    offset = (int(hours) * 60 + int(minutes)) * 60 * _MICRO if sign else 0
    return stamp + offset if sign == "-" else stamp - offset


def _span(text: str) -> Any:
    months, days, sign, seconds, fraction = _groups(_SPAN, text)
    micros = int(seconds) * _MICRO + _fraction(fraction)
    nanos = (-micros if sign else micros) * 1000
    return _plain(pa.MonthDayNano([int(months), int(days), nanos]))


_PARSE: list[tuple[Callable[[pa.DataType], bool], Callable[[str], Any]]] = [
    (pa.types.is_boolean, {"true": True, "false": False}.get),
    (pa.types.is_integer, int),
    (pa.types.is_decimal, Decimal),
    (pa.types.is_float32, lambda text: _plain(float(np.float32(text)))),
    (pa.types.is_floating, lambda text: _plain(float(text))),
    (pa.types.is_binary, bytes.fromhex),
    (pa.types.is_large_binary, bytes.fromhex),
    (pa.types.is_fixed_size_binary, bytes.fromhex),
    (pa.types.is_time, _micros),
    (pa.types.is_duration, _micros),
    (pa.types.is_date, lambda text: _since_1970(text) // (86400 * _MICRO)),
    (pa.types.is_timestamp, _since_1970),
    (pa.types.is_interval, _span),
]
"""How a value is written that only has a text: as docs/explanation/types.md says of CSV."""


def _parsed(kind: pa.DataType, text: str) -> Any:
    return next((parse(text) for is_kind, parse in _PARSE if is_kind(kind)), text)

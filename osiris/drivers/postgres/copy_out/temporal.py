"""Dates, times and intervals: whole numbers since 2000, in the data and, shifted, in Arrow.

Years 1 to 9999 are read. What is outside (infinity, years BC, years from 10000 on), 24:00:00 and
an interval without end are values that few readers of Arrow can take: they are lost, and counted.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from osiris.drivers.postgres.copy_out.cells import (
    Cells,
    Decoded,
    UnreadableValueError,
    fixed_array,
    without,
)

_DAYS_TO_2000: Final = 10_957  # from 1970, where Arrow begins
_DAY: Final = 86_400_000_000  # in microseconds
_FIRST_DAY, _LAST_DAY = -730_119, 2_921_939  # 0001-01-01 and 9999-12-31, from 2000
_INTERVAL_BYTES: Final = 16
_MOST_MICROSECONDS: Final = np.iinfo(np.int64).max // 1000
_INT32: Final = np.iinfo(np.int32)

_INTERVAL: Final = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])


def decode_date(cells: Cells) -> Decoded:
    """Decode date into date32."""
    cells.must_have(4)
    days = cells.words("i4").astype(np.int32)
    null, lost = without((days < _FIRST_DAY) | (days > _LAST_DAY), cells.null)
    return Decoded(fixed_array(days + np.int32(_DAYS_TO_2000), pa.date32(), null), lost)


def decode_timestamp(cells: Cells) -> Decoded:
    """Decode timestamp without time zone into timestamp[us]."""
    return _timestamp(cells, pa.timestamp("us"))


def decode_timestamptz(cells: Cells) -> Decoded:
    """Decode timestamp with time zone, which is a moment, into timestamp[us, UTC]."""
    return _timestamp(cells, pa.timestamp("us", "UTC"))


def _timestamp(cells: Cells, kind: pa.DataType) -> Decoded:
    cells.must_have(8)
    moments: npt.NDArray[np.int64] = cells.words("i8").view(np.int64)
    outside = (moments < _FIRST_DAY * _DAY) | (moments >= (_LAST_DAY + 1) * _DAY)
    null, lost = without(outside, cells.null)
    moments += _DAYS_TO_2000 * _DAY  # of what is outside nothing is kept
    return Decoded(fixed_array(moments, kind, null), lost)


def decode_time(cells: Cells) -> Decoded:
    """Decode time without time zone into time64[us]."""
    cells.must_have(8)
    moments: npt.NDArray[np.int64] = cells.words("i8").view(np.int64)
    null, lost = without(moments >= _DAY, cells.null)
    return Decoded(fixed_array(moments, pa.time64("us"), null), lost)


def decode_interval(cells: Cells) -> Decoded:
    """Decode interval, which is months, days and microseconds apart, into month_day_nano."""
    cells.must_have(_INTERVAL_BYTES)
    micros: npt.NDArray[np.int64] = cells.words("i8").view(np.int64)
    days = cells.words("i4", 8).view(np.int32)
    months = cells.words("i4", 12).view(np.int32)
    ends = np.isin(months, (_INT32.min, _INT32.max)) & np.isin(days, (_INT32.min, _INT32.max))
    null, lost = without(ends, cells.null)
    if null is not None:
        micros[null] = days[null] = months[null] = 0
    if (np.abs(micros) > _MOST_MICROSECONDS).any():
        raise UnreadableValueError("holds an interval of more than 292 years in hours")
    values = np.empty(len(micros), _INTERVAL)
    values["months"], values["days"], values["nanoseconds"] = months, days, micros * 1000
    words = values.view("<i8").reshape(-1, 2)
    return Decoded(fixed_array(words, pa.month_day_nano_interval(), null), lost)

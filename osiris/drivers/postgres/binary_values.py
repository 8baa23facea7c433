"""Column values in PostgreSQL's binary form, as `typsend` would write them.

Fixed-width values are numpy arrays, others are Arrow binary; a column at a time in both cases.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from osiris.drivers.postgres.column_types import PostgresType
from osiris.drivers.postgres.numeric_digits import numeric_fields

_EPOCH_DAYS: Final = 10957
"""Days from 1970-01-01 to PostgreSQL's zero, 2000-01-01."""
_EPOCH_MICROSECONDS: Final = _EPOCH_DAYS * 86_400_000_000
_NANO: Final = 1000
_UUID_BYTES: Final = 16
_INTERVAL: Final = np.dtype([("microseconds", ">i8"), ("days", ">i4"), ("months", ">i4")])
_ARROW_INTERVAL: Final = np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")])

Values = npt.NDArray[Any]


def _values(array: pa.Array, dtype: str | np.dtype[Any]) -> Values:
    """Return the memory of fixed-width values, without a copy."""
    return np.frombuffer(array.buffers()[1], dtype)[array.offset : array.offset + len(array)]


def _number(dtype: str) -> Callable[[pa.Array], Values]:
    return lambda array: _values(array, dtype)


def _bool(array: pa.Array) -> Values:
    return _values(array.cast(pa.uint8()), "u1")


def _date(array: pa.Array) -> Values:
    return _values(array, "<i4") - np.int32(_EPOCH_DAYS)


def _timestamp(array: pa.Array) -> Values:
    # What NULL leaves behind may wrap around; nobody reads it.
    return _values(array, "<i8") - np.int64(_EPOCH_MICROSECONDS)


def _interval(array: pa.Array) -> Values:
    parts = _values(array, _ARROW_INTERVAL)
    sent = np.empty(len(array), _INTERVAL)
    sent["microseconds"] = parts["nanoseconds"] // _NANO
    sent["days"], sent["months"] = parts["days"], parts["months"]
    return sent


def _uuid(array: pa.Array) -> Values:
    return _values(array, f"V{_UUID_BYTES}")


FIXED: Final[dict[str, Callable[[pa.Array], Values]]] = {
    "bool": _bool,
    "int2": _number("<i2"),
    "int4": _number("<i4"),
    "int8": _number("<i8"),
    "oid": _number("<u4"),
    "float4": _number("<f4"),
    "float8": _number("<f8"),
    "numeric": numeric_fields,
    "date": _date,
    "time": _number("<i8"),
    "timestamp": _timestamp,
    "timestamptz": _timestamp,
    "interval": _interval,
    "uuid": _uuid,
}
"""Types whose values have one width, by the name of the type: an item or a row for each value.

Numbers may still be in the byte order of this machine.
"""


def variable(array: pa.Array, column: PostgresType) -> pa.Array:
    """Return the binary form of values of varying width, as large binary."""
    values = array.cast(pa.large_string()) if pa.types.is_string(array.type) else array
    values = values.cast(pa.large_binary())
    if column.wire == "jsonb":
        version = pa.scalar(b"\x01", pa.large_binary())
        return pc.binary_join_element_wise(version, values, pa.scalar(b"", pa.large_binary()))
    return values

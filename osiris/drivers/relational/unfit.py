"""A value that a column cannot hold."""

from typing import Final

import pyarrow as pa

from osiris.core.csv_text import UnwritableError, as_text

_SHOWN: Final = 60


class UnfitError(Exception):
    """A value does not fit.

    Attributes:
        position: the value's place in its array.
        value: how it is shown to people, cut when it is long.
        why: a clause that says what is wrong with it.

    """

    def __init__(self, position: int, value: str, why: str) -> None:
        super().__init__(why)
        self.position = position
        self.value = value
        self.why = why


def shown_value(array: pa.Array, position: int) -> str:
    """Return how a value is shown in a message."""
    one = array[position : position + 1]
    try:
        value = as_text(one).cast(pa.string())[0].as_py()
    except UnwritableError:
        value = one.view(pa.int32() if pa.types.is_date32(one.type) else pa.int64())[0].as_py()
    text = repr(value) if pa.types.is_string(array.type) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

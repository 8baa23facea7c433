"""Decoding blocks of COPY's rows into record batches."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from osiris.core.errors import DataError
from osiris.drivers.postgres.copy_out.cells import (
    SLICE_ROWS,
    Cells,
    UnreadableValueError,
    big_endian,
    cells_at,
)
from osiris.drivers.postgres.copy_out.columns import Column, Option
from osiris.drivers.postgres.wire.messages import MalformedMessageError
from osiris.drivers.postgres.wire.receive import RowBlock

Choice = Literal["null", "error"]

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0"
_FLAGS: Final = 4
_COUNT: Final = 2  # bytes of a row's number of fields
_TRAILER: Final = -1

_LOST: Final[dict[Option, tuple[str, str]]] = {
    "infinite_dates": (
        "a date or time beyond the years 1 to 9999 (infinity, BC), or 24:00:00",
        "set infinite_dates: null to read such values as NULL, or correct the data",
    ),
    "numeric_nan": (
        "NaN, which no decimal stands for",
        "set numeric_nan: null to read NaN as NULL, or convert the column: CAST(… AS text)",
    ),
}


class RowDecoder:
    """Turns the rows of one COPY into record batches.

    Attributes:
        schema: the Arrow schema of every batch.
        rows: rows decoded so far.
        lost: values read as NULL because no Arrow value stands for them, by column and
            the option that decides on them.

    """

    def __init__(self, columns: Sequence[Column], choices: Mapping[Option, Choice]) -> None:
        self.schema = pa.schema([pa.field(column.name, column.type) for column in columns])
        self.rows = 0
        self.lost: Counter[tuple[str, Option]] = Counter()
        self._columns = columns
        self._choices = choices
        self._begun = self._ended = False

    def batches(self, block: RowBlock) -> Iterator[pa.RecordBatch]:
        """Yield the block's rows; what is yielded owns its memory.

        Raises `DataError` for a value that does not fit and `MalformedMessageError` for rows that
        do not have the columns they should.
        """
        block = self._without_ends(block)
        for start in range(0, len(block.begin), SLICE_ROWS):
            rows = slice(start, start + SLICE_ROWS)
            try:
                arrays = list(self._arrays(block.data, block.begin[rows], block.end[rows]))
            except IndexError:
                raise MalformedMessageError("a row is shorter than its columns") from None
            batch = pa.RecordBatch.from_arrays(arrays, schema=self.schema)
            self.rows += batch.num_rows
            yield batch

    def check_end(self) -> None:
        """Raise `MalformedMessageError` when the data did not end as they should."""
        if not self._ended:
            raise MalformedMessageError("the data end without their last row")

    def _without_ends(self, block: RowBlock) -> RowBlock:
        """Take away what is before the first row and behind the last."""
        data, begin, end = block.data, block.begin, block.end
        if not self._begun:
            self._begun = True
            begin = begin.copy()
            begin[0] += self._header(data[begin[0] : end[0]].tobytes())
        if begin[0] == end[0]:
            begin, end = begin[1:], end[1:]
        if len(begin) and end[-1] - begin[-1] == _COUNT:
            self._ended = int(big_endian(data, "i2", begin[-1:])[0]) == _TRAILER
            begin, end = begin[:-1], end[:-1]
        return RowBlock(data, begin, end)

    def _header(self, first: bytes) -> int:
        """Return the size of what is before the first row."""
        size = len(_SIGNATURE) + _FLAGS + 4
        if not first.startswith(_SIGNATURE) or len(first) < size:
            raise MalformedMessageError("the data do not begin as those of COPY BINARY")
        return size + int.from_bytes(first[size - 4 : size], "big")

    def _arrays(
        self,
        data: "np.ndarray[tuple[int], np.dtype[np.uint8]]",
        begin: "np.ndarray[tuple[int], np.dtype[np.int64]]",
        end: "np.ndarray[tuple[int], np.dtype[np.int64]]",
    ) -> Iterator[pa.Array]:
        if (big_endian(data, "i2", begin).view(np.int16) != len(self._columns)).any():
            raise MalformedMessageError("a row has more or fewer fields than there are columns")
        at = begin + _COUNT
        for column in self._columns:
            cells, at = cells_at(data, at)
            if (at > end).any():
                raise MalformedMessageError("a field goes beyond its row")
            yield self._decoded(column, cells)
        if not np.array_equal(at, end):
            raise MalformedMessageError("a row has more bytes than its fields")

    def _decoded(self, column: Column, cells: Cells) -> pa.Array:
        try:
            values, lost = column.decode(cells)
        except UnreadableValueError as error:
            raise DataError(
                f"column {column.name!r} {error}",
                hint="convert the column in the query: CAST(… AS text)",
            ) from error
        if lost is not None and column.option is not None:
            if self._choices[column.option] == "error":
                row = self.rows + int(np.argmax(lost)) + 1
                what, hint = _LOST[column.option]
                raise DataError(f"column {column.name!r} holds {what}, in row {row}", hint=hint)
            self.lost[column.name, column.option] += int(lost.sum())
        return values

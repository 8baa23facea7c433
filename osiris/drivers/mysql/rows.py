"""Decoding blocks of rows into record batches, in the binary and in the text protocol."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from osiris.core.errors import DataError
from osiris.drivers.mysql.cells import (
    SLICE_ROWS,
    Cells,
    Decoded,
    Mask,
    UnreadableValueError,
    copied,
    texts,
)
from osiris.drivers.mysql.columns import Column
from osiris.drivers.mysql.packet_starts import Offsets
from osiris.drivers.mysql.protocol import TEXT_NULL, MalformedPacketError
from osiris.drivers.mysql.receive import RowBlock
from osiris.drivers.mysql.text_values import parsed

BINARY_MARKER: Final = 0x00
"""First byte of every row of the binary protocol."""

_FIRST_BIT: Final = 2  # of a binary row's bitmap that stands for a column


class RowDecoder:
    """Turns the rows of one result into record batches.

    Attributes:
        schema: the Arrow schema of every batch.
        rows: rows decoded so far.
        no_dates: dates read as NULL because they are none, by column.

    """

    def __init__(
        self, columns: Sequence[Column], *, binary: bool, zero_dates: Literal["null", "error"]
    ) -> None:
        self.schema = pa.schema([pa.field(column.name, column.type) for column in columns])
        self.rows = 0
        self.no_dates: Counter[str] = Counter()
        self._columns = columns
        self._binary = binary
        self._zero_dates = zero_dates

    def batches(self, block: RowBlock) -> Iterator[pa.RecordBatch]:
        """Yield the block's rows; what is yielded owns its memory.

        Raises `DataError` for a value that does not fit and `MalformedPacketError` for rows that
        do not have the columns they should.
        """
        for start in range(0, len(block.begin), SLICE_ROWS):
            rows = slice(start, start + SLICE_ROWS)
            part = RowBlock(block.data, block.begin[rows], block.end[rows])
            try:
                arrays = list(self._binary_rows(part) if self._binary else self._text_rows(part))
            except IndexError:
                raise MalformedPacketError("a row is shorter than its columns") from None
            yield pa.RecordBatch.from_arrays(arrays, schema=self.schema)
            self.rows += len(part.begin)

    def _binary_rows(self, block: RowBlock) -> Iterator[pa.Array]:
        data, count = block.data, len(self._columns)
        if (data[block.begin] != BINARY_MARKER).any():
            raise MalformedPacketError("a row does not begin as one")
        bitmap = block.begin + 1
        at = bitmap + (count + _FIRST_BIT + 7) // 8
        bits = data[bitmap]
        for index, column in enumerate(self._columns, _FIRST_BIT):
            if index % 8 == 0:
                bits = data[bitmap + index // 8]
            mask: Mask = (bits & (1 << index % 8)) != 0
            null = mask if mask.any() else None
            decoded = self._decoded(column, Cells(data, at, block.end, null))
            at = at + (decoded.width if null is None else np.where(null, 0, decoded.width))
            yield decoded.values
        _all_read(at, block.end)

    def _text_rows(self, block: RowBlock) -> Iterator[pa.Array]:
        at = block.begin
        for column in self._columns:
            mask: Mask = block.data[at] == TEXT_NULL
            null = mask if mask.any() else None
            begin, end = texts(Cells(block.data, at, block.end, null))
            yield self._parsed(column, copied(block.data, begin, end, null))
            at = end if null is None else np.where(null, at + 1, end)
        _all_read(at, block.end)

    def _decoded(self, column: Column, cells: Cells) -> Decoded:
        try:
            decoded = column.decode(cells)
            self._count(column, decoded)
        except UnreadableValueError as error:
            raise _unreadable(column, error) from error
        return decoded

    def _parsed(self, column: Column, texts: pa.Array) -> pa.Array:
        try:
            decoded = parsed(texts, column.type)
            self._count(column, decoded)
        except UnreadableValueError as error:
            raise _unreadable(column, error) from error
        return decoded.values

    def _count(self, column: Column, decoded: Decoded) -> None:
        if decoded.no_dates is None:
            return
        if self._zero_dates == "error":
            row = self.rows + int(np.argmax(decoded.no_dates)) + 1
            raise DataError(
                f"column {column.name!r} holds a date that is none in row {row} of the result",
                hint="set zero_dates: null to read such dates as NULL, or correct the data",
            )
        self.no_dates[column.name] += int(decoded.no_dates.sum())


def _all_read(at: Offsets, end: Offsets) -> None:
    if not np.array_equal(at, end):
        raise MalformedPacketError("a row has more or fewer bytes than its columns")


def _unreadable(column: Column, error: UnreadableValueError) -> DataError:
    hint = "convert the column in the query: CAST(… AS CHAR)"
    if pa.types.is_boolean(column.type):
        hint = "leave tinyint1: int8, or correct the data"
    return DataError(f"column {column.name!r} {error}", hint=hint)

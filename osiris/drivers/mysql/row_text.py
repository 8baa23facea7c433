"""Rows as the text that LOAD DATA and INSERT read, built a column at a time.

| Arrow type | text |
|---|---|
| integers, decimals | all digits, no exponent |
| floats | the shortest text that a double reads back as the same value |
| strings | as they are, with the marks of the format escaped |
| binary | hexadecimal digits, which the statement turns back into bytes |
| dates, times, timestamps | ISO 8601 with a space, six digits of a second |
| durations | `[-]HH:MM:SS.ffffff`, hours without bound |
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from osiris.core.csv_text import as_text

_PIECE_BYTES: Final = 2 << 20
"""Arrow bytes that become text at once: what stays in the caches, and far from 2 GiB of text."""


@dataclass(frozen=True)
class RowFormat:
    """How rows are written down.

    Attributes:
        null: what stands for NULL.
        escapes: what replaces a mark inside a string, in this order.
        separator: what stands between values.
        row: what stands before and after every row.
        quotes: what stands before and after a value that is not NULL.
        binary_quotes: the same for binary values.

    """

    null: str
    escapes: tuple[tuple[str, str], ...]
    separator: str
    row: tuple[str, str]
    quotes: tuple[str, str] = ("", "")
    binary_quotes: tuple[str, str] = ("", "")


LOAD_DATA: Final = RowFormat(
    null="\\N",
    escapes=(("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n")),
    separator="\t",
    row=("", "\n"),
)
"""For LOAD DATA without FIELDS and LINES, whose defaults these are."""

INSERT: Final = RowFormat(
    null="NULL",
    escapes=(("\\", "\\\\"), ("'", "\\'")),
    separator=",",
    row=("(", "),"),
    quotes=("'", "'"),
    binary_quotes=("X'", "'"),
)
"""For the list after VALUES; the last comma is one too many."""


@dataclass(frozen=True)
class RowText:
    """Rows behind one another: row `i` is `data[ends[i - 1]:ends[i]]`, the first begins at 0."""

    data: memoryview
    ends: npt.NDArray[np.int64]


def row_texts(arrays: Sequence[pa.Array], style: RowFormat) -> Iterator[RowText]:
    """Yield the rows of equally long columns, in pieces of a bounded size and in order."""
    rows = len(arrays[0])
    size = sum(array.nbytes for array in arrays)
    step = max(1, rows * _PIECE_BYTES // max(size, 1))
    for start in range(0, rows, step):
        yield _text([array[start : start + step] for array in arrays], style)


def _text(arrays: Sequence[pa.Array], style: RowFormat) -> RowText:
    fields = [_field(array, style) for array in arrays]
    fields[0] = _enclosed(fields[0], (style.row[0], ""))
    fields[-1] = _enclosed(fields[-1], ("", style.row[1]))
    offsets, data = _parts(pc.binary_join_element_wise(*fields, style.separator))
    return RowText(data.data, offsets[1:].astype(np.int64) - int(offsets[0]))


def _parts(strings: pa.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Return where the strings begin and end in their buffer, and what the buffer has of them."""
    _, places, data = strings.buffers()
    offsets = np.frombuffer(places, np.int32)[strings.offset : strings.offset + len(strings) + 1]
    whole = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return offsets, whole[offsets[0] : offsets[-1]]


def _field(array: pa.Array, style: RowFormat) -> pa.Array:
    """Return the texts of one column, quoted and with NULL spelled out."""
    text, kind = _plain(array), array.type
    if pa.types.is_string(kind):
        text = _escaped(text, style.escapes)
    quotes = style.binary_quotes if pa.types.is_binary(kind) else style.quotes
    text = _enclosed(text, quotes)
    return pc.fill_null(text, style.null) if text.null_count else text


def _enclosed(texts: pa.Array, marks: tuple[str, str]) -> pa.Array:
    return pc.binary_join_element_wise(marks[0], texts, marks[1], "") if any(marks) else texts


def _plain(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_float32(kind):
        array = array.cast(pa.float64())  # whose text a server that reads doubles reads exactly
    elif pa.types.is_boolean(kind):
        array = array.cast(pa.int8())
    elif pa.types.is_timestamp(kind) and kind.tz is not None:
        array = array.cast(pa.int64()).cast(pa.timestamp(kind.unit))
    return as_text(array).cast(pa.string())


def _escaped(texts: pa.Array, escapes: tuple[tuple[str, str], ...]) -> pa.Array:
    _, data = _parts(texts)
    for mark, escape in escapes:
        if (data == ord(mark)).any():
            texts = pc.replace_substring(texts, mark, escape)
    return texts

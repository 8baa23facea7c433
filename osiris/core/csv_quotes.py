"""Lines of CSV in which each cell is quoted, or not, for what it is."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

_QUOTE = '"'


@dataclass(frozen=True)
class LineStyle:
    """How cells are joined.

    With `minimal` a text is quoted when it holds the delimiter, a quote or a line end, is empty,
    begins or ends with a space, or is the text that stands for NULL; else every text is. Columns
    in `numbers` are texts that need no quotes.
    """

    delimiter: str
    eol: str
    null_text: str
    minimal: bool
    numbers: AbstractSet[int] = field(default_factory=frozenset)


def quoted_lines(batch: pa.RecordBatch, style: LineStyle, *, header: bool) -> memoryview:
    """Return a batch as CSV text in UTF-8."""
    names = pa.array(batch.schema.names, pa.string())
    quoted = _quoted(names, style) if style.minimal else _enclosed(names)
    head = style.delimiter.join(quoted.to_pylist()) + style.eol if header else ""
    if not batch.num_rows:
        return memoryview(head.encode())
    wide = pa.large_string()
    *cells, last = [_cell(c, style, i in style.numbers) for i, c in enumerate(batch.columns)]
    # The line end goes behind the last cell: the joined lines are then the file, byte by byte.
    last = _joined(last, pa.scalar(style.eol, wide), glue="", null_text=style.null_text)
    lines = _joined(*cells, last, glue=style.delimiter, null_text=style.null_text)
    data = memoryview(lines.buffers()[2])
    return memoryview(head.encode() + data) if head else data


def needs_quotes(column: pa.Array, delimiter: str, null_text: str) -> pa.Array:
    """Return which texts of a compact column cannot be told from structure or from NULL."""
    data = column.buffers()[2]
    raw = b"" if data is None else data.to_pybytes()
    need = pc.or_(pc.equal(pc.binary_length(column), 0), pc.equal(column, null_text))
    for mark in (_QUOTE, delimiter, "\n", "\r"):
        if mark.encode() in raw:
            need = pc.or_(need, pc.match_substring(column, mark))
    return pc.fill_null(need, fill_value=False)


def _joined(*columns: pa.Array, glue: str, null_text: str) -> pa.Array:
    return pc.binary_join_element_wise(
        *columns,
        pa.scalar(glue, pa.large_string()),
        null_handling="replace",
        null_replacement=null_text,
    )


def _cell(column: pa.Array, style: LineStyle, is_number: bool) -> pa.Array:  # noqa: FBT001 - private, told by name above
    wide = column.cast(pa.large_string())
    if is_number or not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return wide
    return _quoted(wide, style) if style.minimal else _enclosed(wide)


def _quoted(column: pa.Array, style: LineStyle) -> pa.Array:
    """Put quotes around the cells that need them."""
    compact = pa.concat_arrays([column])
    need = needs_quotes(compact, style.delimiter, style.null_text)
    for at_an_end in (pc.starts_with, pc.ends_with):
        need = pc.or_(need, pc.fill_null(at_an_end(compact, " "), fill_value=False))
    if not pc.any(need).as_py():
        return compact
    return pc.replace_with_mask(compact, need, _enclosed(compact.filter(need)))


def _enclosed(column: pa.Array) -> pa.Array:
    quote = pa.scalar(_QUOTE, column.type)
    doubled = pc.replace_substring(column, _QUOTE, _QUOTE * 2)
    return pc.binary_join_element_wise(quote, doubled, quote, pa.scalar("", column.type))

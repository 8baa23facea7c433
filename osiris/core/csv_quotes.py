"""Lines of CSV in which only those cells are quoted that would be misread otherwise."""

import pyarrow as pa
import pyarrow.compute as pc

_QUOTE = '"'


def minimal_lines(
    batch: pa.RecordBatch, *, delimiter: str, eol: str, null_text: str, header: bool
) -> memoryview:
    """Return a batch as CSV text in UTF-8, quoted cell by cell.

    A text is quoted when it holds the delimiter, a quote or a line end, is empty, begins or ends
    with a space, or is the text that stands for NULL.
    """
    names = pa.array(batch.schema.names, pa.string())
    head = delimiter.join(_quoted(names, delimiter, null_text).to_pylist()) + eol if header else ""
    if not batch.num_rows:
        return memoryview(head.encode())
    cells = [_cell(column, delimiter, null_text) for column in batch.columns]
    # The line end goes behind the last cell: the joined lines are then the file, byte by byte.
    last = pc.binary_join_element_wise(
        cells[-1],
        pa.scalar(eol, cells[-1].type),
        pa.scalar("", cells[-1].type),
        null_handling="replace",
        null_replacement=null_text,
    )
    wide = pa.large_string()
    lines = pc.binary_join_element_wise(
        *[cell.cast(wide) for cell in (*cells[:-1], last)],
        pa.scalar(delimiter, wide),
        null_handling="replace",
        null_replacement=null_text,
    )
    data = memoryview(lines.buffers()[2])
    return memoryview(head.encode() + data) if head else data


def _cell(column: pa.Array, delimiter: str, null_text: str) -> pa.Array:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _quoted(column, delimiter, null_text)
    return column.cast(pa.string())


def _quoted(column: pa.Array, delimiter: str, null_text: str) -> pa.Array:
    """Put quotes around the cells that need them."""
    compact = pa.concat_arrays([column])
    data = compact.buffers()[2]
    raw = b"" if data is None else data.to_pybytes()
    need = pc.or_(pc.equal(pc.binary_length(compact), 0), pc.equal(compact, null_text))
    for mark in (_QUOTE, delimiter, "\n", "\r"):
        if mark.encode() in raw:
            need = pc.or_(need, pc.match_substring(compact, mark))
    if b" " in raw:
        need = pc.or_(need, pc.starts_with(compact, " "))
        need = pc.or_(need, pc.ends_with(compact, " "))
    need = pc.fill_null(need, fill_value=False)
    if not pc.any(need).as_py():
        return compact
    marked = compact.filter(need)
    doubled = pc.replace_substring(marked, _QUOTE, _QUOTE * 2)
    quote = pa.scalar(_QUOTE, compact.type)
    enclosed = pc.binary_join_element_wise(quote, doubled, quote, pa.scalar("", compact.type))
    return pc.replace_with_mask(compact, need, enclosed)

"""Rows that can be shown: sensitive columns and what is a secret by its form are `***`."""

from collections.abc import Collection

import pyarrow as pa

from osiris.compiler.literal_secret import secret_in
from osiris.core.csv_text import UnwritableError, as_text
from osiris.core.masking import MASK, Masker

NO_TEXT = "(a value that has no text)"

LONGEST = 1000
"""Characters of a value's text that are shown; the rest is `…`."""


def masked(table: pa.Table, hidden: Collection[str], masker: Masker) -> pa.Table:
    """Return the table with `***` for every value of the hidden columns, and for secrets elsewhere.

    A hidden column becomes one of strings; NULL stays NULL. In other columns of text a value that
    holds a known kind of token, a URL with a password, or one of the masker's secrets is hidden.
    """
    for place, field in enumerate(table.schema):
        column = table.column(place).combine_chunks()
        if field.name in hidden:
            shown = [MASK if valid else None for valid in column.is_valid().to_pylist()]
        elif pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            shown = [_harmless(text, masker) for text in column.to_pylist()]
        else:
            continue
        table = table.set_column(
            place, pa.field(field.name, pa.string()), pa.array(shown, "string")
        )
    return table


def texts(table: pa.Table, *, longest: int | None = LONGEST) -> list[list[str | None]]:
    """Return the rows as the texts that `filesystem.csv_writer` writes; None stands for NULL.

    What of a text is longer than `longest` characters is `…`.
    """
    columns = [_texts(column.combine_chunks()) for column in table.columns]
    rows = zip(*columns, strict=True)
    return [[_cut(text, longest) for text in row] for row in rows]


def _harmless(text: str | None, masker: Masker) -> str | None:
    if text is None:
        return None
    return MASK if secret_in(text) else masker.text(text)


def _texts(column: pa.Array) -> list[str | None]:
    try:
        found: list[str | None] = as_text(column).cast(pa.string()).to_pylist()
    except (UnwritableError, pa.ArrowException):
        if len(column) == 1:
            return [NO_TEXT]
        return [text for row in range(len(column)) for text in _texts(column.slice(row, 1))]
    return found


def _cut(text: str | None, longest: int | None) -> str | None:
    if text is None or longest is None or len(text) <= longest:
        return text
    return text[:longest] + "…"

"""Rows of data on a terminal: harmless, a line each, no wider than a person reads."""

from collections.abc import Sequence

from osiris.cli.screen import columns, harmless, result, styled
from osiris.cli.table import table

_LONGEST = 60


def show_rows(
    headers: Sequence[str],
    rows: Sequence[Sequence[str | None]],
    *,
    indent: str = "",
    without_empty: bool = False,
) -> None:
    """Write a table to stdout; None is shown as NULL.

    `without_empty` leaves out columns without a text in any row, but for the first.
    """
    limit = columns()
    cells = [[_cell(text) for text in row] for row in rows]
    kept = range(len(headers))
    shown = [i for i in kept if i == 0 or not without_empty or any(row[i] for row in cells)]
    head, *body = table(
        [one_line(headers[i]) for i in shown],
        [[row[i] for i in shown] for row in cells],
        limit=None if limit is None else limit - len(indent),
    )
    result(indent + styled(head, "dim"))
    for line in body:
        result(indent + line)


def one_line(text: str) -> str:
    """Return text of a database as one harmless line."""
    return harmless(text.replace("\n", "\\n").replace("\t", "\\t"))


def _cell(text: str | None) -> str:
    if text is None:
        return "NULL"
    line = one_line(text)
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"

"""Rows of text in aligned columns, cut to the terminal's width when there is one."""

import textwrap
import unicodedata
from collections.abc import Sequence

GAP = 2
_NARROWEST = 8
_FEW_WORDS = 30


def width(text: str) -> int:
    """Return how many cells of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def fit(text: str, cells: int) -> str:
    """Return the text, its end replaced by `…` when it takes more than `cells` cells."""
    if width(text) <= cells:
        return text
    while text and width(text) > cells - 1:
        text = text[:-1]
    return text + "…"


def table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    limit: int | None = None,
) -> list[str]:
    """Return the lines of a table.

    Args:
        headers: the columns' names.
        rows: the cells, as many in each row as there are headers.
        numbers: names of the columns that are aligned to the right.
        limit: cells a line may take: the widest columns give way. None cuts nothing.

    """
    grid = [tuple(headers), *(tuple(row) for row in rows)]
    sizes = [max(width(row[i]) for row in grid) for i in range(len(headers))]
    if limit is not None:
        _shrink(sizes, limit - GAP * (len(sizes) - 1))
    right = [header in numbers for header in headers]
    return [_line(row, sizes, right) for row in grid]


def wrapped(
    headers: Sequence[str], rows: Sequence[Sequence[str]], limit: int
) -> list[tuple[str, ...]]:
    """Return rows for `table` in which the last column goes on in lines of its own below.

    A line takes `limit` cells where the other columns leave the last one room for a few words.
    """
    grid = [tuple(headers), *(tuple(row) for row in rows)]
    others = sum(max(width(row[i]) for row in grid) + GAP for i in range(len(headers) - 1))
    found: list[tuple[str, ...]] = []
    for row in rows:
        first, *rest = textwrap.wrap(row[-1], max(limit - others, _FEW_WORDS)) or [""]
        found.append((*row[:-1], first))
        found += [(*("" for _ in row[:-1]), line) for line in rest]
    return found


def _shrink(sizes: list[int], limit: int) -> None:
    while sum(sizes) > limit and max(sizes) > _NARROWEST:
        sizes[sizes.index(max(sizes))] -= 1


def _line(row: Sequence[str], sizes: Sequence[int], right: Sequence[bool]) -> str:
    cells = []
    for text, size, to_right in zip(row, sizes, right, strict=True):
        if text.isascii() and len(text) <= size:
            cells.append(text.rjust(size) if to_right else text.ljust(size))
            continue
        cut = fit(text, size)
        space = " " * (size - width(cut))
        cells.append(space + cut if to_right else cut + space)
    return (" " * GAP).join(cells).rstrip()

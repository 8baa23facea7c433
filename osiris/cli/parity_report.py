"""Two runs compared, as a person reads it: a table of aspects, then each difference."""

import json
from collections.abc import Iterator

from osiris.cli.screen import harmless, styled
from osiris.cli.table import GAP, fit, table, width
from osiris.parity.comparison import AspectResult, Comparison, Difference, Side

_HEADERS = ("ASPECT", "A", "B", "")
_SHOWN = 5
_LINES = 6
_NOTHING = "(nothing)"
_NARROWEST = 20


def comparison_lines(comparison: Comparison, limit: int) -> Iterator[str]:
    """Yield the lines about a comparison; a line takes at most `limit` cells."""
    yield from _sides(comparison, limit)
    if comparison.a.session == comparison.b.session:
        note = "both are records of one run; that they agree proves little"
        yield f"{styled('note:', 'warn')} {note}"
    yield ""
    yield from _table(comparison, limit)
    yield ""
    for row in comparison.differing:
        yield from _differences(row, limit)
    count, total = len(comparison.differing), len(comparison.aspects)
    if comparison.same:
        yield styled(f"the runs are the same in all {total} aspects", "good")
    else:
        yield styled(f"the runs differ in {count} of {total} aspects", "bad")


def _sides(comparison: Comparison, limit: int) -> list[str]:
    headers = ("", "RUN", "STATE", "WHERE", "PIPELINE")
    sides = [("A", comparison.a), ("B", comparison.b)]
    return table(headers, [_side(name, side) for name, side in sides], limit=limit)


def _side(name: str, side: Side) -> tuple[str, ...]:
    cells = (name, side.session, side.state or "?", side.adapter or "?", side.pipeline or "?")
    return tuple(_one_line(cell) for cell in cells)


def _table(comparison: Comparison, limit: int) -> Iterator[str]:
    rows: list[tuple[str, ...]] = []
    styles: list[AspectResult | None] = []
    section = None
    for row in comparison.aspects:
        if row.aspect.section is not section:
            section = row.aspect.section
            rows.append((section.capitalize(), "", "", ""))
            styles.append(None)
        rows.append(_row(row))
        styles.append(row)
    head, *body = table(_HEADERS, _fitted(rows, limit))
    yield styled(head, "dim")
    for line, row_or_none in zip(body, styles, strict=True):
        if row_or_none is None:
            yield styled(line, "strong")
        else:
            yield line if row_or_none.same else styled(line, "bad")


def _fitted(rows: list[tuple[str, ...]], limit: int) -> list[tuple[str, ...]]:
    """Cut what the runs have, and nothing else, so that a line takes `limit` cells."""
    others = sum(max(width(row[column]) for row in rows) for column in (0, 3))
    room = max((limit - others - 3 * GAP) // 2, 1)
    return [(title, fit(a, room), fit(b, room), verdict) for title, a, b, verdict in rows]


def _row(row: AspectResult) -> tuple[str, ...]:
    verdict = "same" if row.same else f"{row.count} differ" if row.count > 1 else "differs"
    return (f"  {row.aspect.title}", _one_line(row.a), _one_line(row.b), verdict)


def _differences(row: AspectResult, limit: int) -> Iterator[str]:
    for difference in row.differences[:_SHOWN]:
        where = f"{row.aspect.title}: {_one_line(difference.where)}"
        for line in _chopped(where, limit):
            yield styled(line, "strong")
        yield from _both(difference.a, difference.b, limit)
        yield from _place(difference, limit)
        yield ""
    if row.count > _SHOWN:
        yield f"{row.aspect.title}: and {row.count - _SHOWN} more; --json lists the first hundred"
        yield ""


def _place(difference: Difference, limit: int) -> Iterator[str]:
    place = difference.place
    if place is None:
        return
    note = f"  {place.note}" if place.note else f"  first at {_one_line(str(place))}"
    yield from _chopped(note, limit)
    if place.a is not None or place.b is not None:
        yield from _both(place.a, place.b, limit)


def _both(a: str | None, b: str | None, limit: int) -> Iterator[str]:
    """Yield what each run has; what would look the same is shown character by character."""
    one, other = _told(a), _told(b)
    if one == other:
        one, other = ascii(a), ascii(b)
    for name, text in (("A", one), ("B", other)):
        first, *rest = _chopped(text, max(limit - 5, _NARROWEST))
        yield f"  {name}  {first}"
        for line in rest:
            yield f"     {line}"


def _told(text: str | None) -> str:
    if text is None:
        return _NOTHING
    visible = text.isprintable() and text == text.strip() and text not in {"", _NOTHING}
    return text if visible else _one_line(json.dumps(text, ensure_ascii=False))


def _one_line(text: str) -> str:
    return harmless(text.replace("\n", "\\n").replace("\t", "\\t"))


def _chopped(text: str, cells: int) -> list[str]:
    """Cut a text into lines of so many cells; of a long one, the beginning."""
    lines = [""]
    for char in text:
        if width(lines[-1]) + width(char) > cells:
            if len(lines) == _LINES:
                lines[-1] = lines[-1][:-1] + "…"
                break
            lines.append("")
        lines[-1] += char
    return lines

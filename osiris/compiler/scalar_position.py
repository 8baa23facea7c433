"""From a position inside a YAML text value back to the line and column of the file."""

from osiris.compiler.document import Mark, Place


def position_in(place: Place, line: int, column: int) -> Mark:
    """Return where a character of a text value stands in the file.

    Args:
        place: the text value, as it was read.
        line: line of the character inside the value, from 1.
        column: its column in that line, from 1.

    Returns:
        The exact position where the value's lines are lines of the file (block text `|`, and text
        on one line without escapes), else the nearest that is sure: the line, or the value's start.

    """
    node, document = place.node, place.document
    texts = str(node.value).split("\n")
    if not 0 < line <= len(texts):
        return node.mark
    text = texts[line - 1]
    if node.style == "|":
        number = node.mark.line + line
        source = document.line(number)
        if source.endswith(text):
            return Mark(number, len(source) - len(text) + column)
        return Mark(number, 1)
    if len(texts) == 1:
        start = node.mark.column - 1 + bool(node.style)
        if document.line(node.mark.line)[start:].startswith(text):
            return Mark(node.mark.line, start + column)
    return node.mark


def offset_in(place: Place, offset: int) -> Mark:
    """Return where the character at `offset` (from 0) of a text value stands in the file."""
    before = str(place.value)[:offset]
    return position_in(place, before.count("\n") + 1, len(before) - before.rfind("\n"))

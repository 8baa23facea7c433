"""Markdown as text: tables, and docstrings as they read on a page."""

import inspect
import re
from collections.abc import Iterable, Sequence

NOTICE = "<!-- Written by `make reference` from the code; edit the code instead. -->"


def page(title: str, introduction: str, sections: Iterable[str]) -> str:
    """Put a page together: title, introduction, sections, one empty line between them."""
    parts = (NOTICE, f"# {title}", introduction.strip(), *(s.strip() for s in sections))
    return "\n\n".join(part for part in parts if part) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table; cells may hold anything, line ends become spaces."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def code(text: str) -> str:
    """Give a piece of text as code in a line; nothing stays nothing."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}" if text else ""


def prose(thing: object) -> str:
    """Give the docstring of a class or function as paragraphs, section headings left out."""
    text = inspect.getdoc(thing) or ""
    return re.split(r"\n\n(?:Args|Attributes|Returns|Raises|Yields):\n", text)[0]


def summary(thing: object) -> str:
    """Give the first paragraph of a docstring in one line."""
    return " ".join(prose(thing).split("\n\n")[0].split())


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())

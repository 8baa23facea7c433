"""Problems of pipelines as lines that editors and terminals link."""

import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from osiris.cli.screen import harmless, styled
from osiris.cli.table import width
from osiris.compiler.problem import Problem

_CONTEXT = 60
"""Characters of a line that are shown before and behind the place of a problem."""


def problem_lines(
    problems: Iterable[Problem], *, warning: bool = False, stream: TextIO | None = None
) -> Iterator[str]:
    """Yield `file:line:column: path: message` for each, its line with a caret, and its hint."""
    stream = stream or sys.stdout
    for problem in problems:
        path = f" {problem.path}:" if problem.path else ""
        label = styled(" warning:", "warn", stream) if warning else ""
        where = styled(harmless(problem.where) + ":", "strong", stream)
        yield f"{where}{label}{harmless(path)} {harmless(problem.message)}"
        yield from _excerpt(problem, stream)
        if problem.hint:
            yield f"  {styled('hint:', 'strong', stream)} {harmless(problem.hint)}"


def _excerpt(problem: Problem, stream: TextIO) -> Iterator[str]:
    """Yield the line of the file, cut around the place, and a caret below the place."""
    if problem.excerpt is None or problem.line is None or problem.column is None:
        return
    text = problem.excerpt.replace("\t", " ").rstrip()
    column = min(problem.column - 1, max(len(text) - 1, 0))
    start = max(column - _CONTEXT, 0)
    before = ("…" if start else "") + harmless(text[start:column])
    rest = text[column : column + _CONTEXT]
    behind = harmless(rest) + ("…" if len(text) > column + _CONTEXT else "")
    number = f"{problem.line}"
    margin = styled(f"  {number} |", "dim", stream)
    yield f"{margin} {before}{behind}"
    margin = styled(f"  {' ' * len(number)} |", "dim", stream)
    yield f"{margin} {' ' * width(before)}{styled('^', 'bad', stream)}"


def counted(number: int, noun: str) -> str:
    """Return `1 problem`, `2 problems`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""Problems of pipelines as lines that editors and terminals link."""

import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from osiris.cli.screen import harmless, styled
from osiris.compiler.problem import Problem


def problem_lines(
    problems: Iterable[Problem], *, warning: bool = False, stream: TextIO | None = None
) -> Iterator[str]:
    """Yield `file:line:column: path: message` for each, and its hint indented below."""
    stream = stream or sys.stdout
    for problem in problems:
        path = f" {problem.path}:" if problem.path else ""
        label = styled(" warning:", "warn", stream) if warning else ""
        where = styled(harmless(problem.where) + ":", "strong", stream)
        yield f"{where}{label}{harmless(path)} {harmless(problem.message)}"
        if problem.hint:
            yield f"  {styled('hint:', 'strong', stream)} {harmless(problem.hint)}"


def counted(number: int, noun: str) -> str:
    """Return `1 problem`, `2 problems`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

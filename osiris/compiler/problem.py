"""A mistake in a pipeline: where it stands, what it is, what to do about it."""

import difflib
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
"""Where a value stands in a document: `("steps", 2, "config", "query")`."""

_COMPARED = 300
_LISTED = 20


def dotted(path: Path) -> str:
    """Return a path as people write it: `steps[2].config.query`; "" for the whole document."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def did_you_mean(word: str, choices: Iterable[str]) -> str | None:
    """Return `did you mean 'x'?` for the choice closest to `word`, or None when none is close."""
    best = closest(word, choices)
    return None if best is None else f"did you mean '{best}'?"


def closest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice closest to `word`, or None when none is close.

    Looks at the first few hundred choices only: comparing is slow and nobody has more.
    """
    known = list(itertools.islice(choices, _COMPARED))
    lower = {choice.lower(): choice for choice in known}
    close = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    inside = [choice for choice in known if word and choice.lower().endswith("." + word.lower())]
    return lower[close[0]] if close else next(iter(inside), None)


def one_of(choices: Iterable[str]) -> str:
    """Return `one of a, b, c`, the first few of many, or what stands for an empty list."""
    known = listed(choices)
    return f"one of {known}" if known else "there are none"


def listed(choices: Iterable[str]) -> str:
    """Return `a, b, c`, of many the first few and how many more; "" for none."""
    known = list(choices)
    more = f" and {len(known) - _LISTED} more" if len(known) > _LISTED else ""
    return f"{', '.join(known[:_LISTED])}{more}"


@dataclass(frozen=True)
class Problem:
    """One mistake, or one warning.

    Attributes:
        file: name of the file as the caller gave it, or `--param`.
        line: line in the file, from 1; None where there is no line (a `--param`).
        column: column in characters, from 1; None together with `line`.
        path: the value's place in the document, `steps[2].config.query`; "" for the whole.
        message: what is wrong; never quotes a secret.
        hint: what to do about it, or None.
        excerpt: the line of the file, when it may be shown.

    """

    file: str
    line: int | None
    column: int | None
    path: str
    message: str
    hint: str | None = None
    excerpt: str | None = field(default=None, compare=False)

    @property
    def where(self) -> str:
        """The place as editors and terminals link it: `file:line:column`."""
        return self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        path = f" {self.path}:" if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.where}:{path} {self.message}{hint}"

    def to_dict(self) -> dict[str, Any]:
        """Return the problem as a JSON object."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "message": self.message,
            "hint": self.hint,
        }


@dataclass
class Report:
    """What was found so far; each problem counts once however often it is found."""

    _errors: dict[Problem, None] = field(default_factory=dict)
    _warnings: dict[Problem, None] = field(default_factory=dict)

    def error(self, problem: Problem) -> None:
        """Add a mistake that keeps the pipeline from compiling."""
        self._errors.setdefault(problem)

    def warn(self, problem: Problem) -> None:
        """Add something worth knowing that keeps nothing from happening."""
        self._warnings.setdefault(problem)

    @property
    def errors(self) -> list[Problem]:
        """The mistakes in the order of files and lines."""
        return sorted(self._errors, key=_order)

    @property
    def warnings(self) -> list[Problem]:
        """The warnings in the order of files and lines."""
        return sorted(self._warnings, key=_order)


def _order(problem: Problem) -> tuple[bool, str, int, int]:
    return (problem.line is None, problem.file, problem.line or 0, problem.column or 0)

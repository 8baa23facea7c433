"""JSON data as its leaves, so that two documents can be compared member by member."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from osiris.parity.may_differ import OwnNames

Path = tuple[str, ...]
"""The members and positions that lead to a leaf."""

_EXACT = 2**53
_LIKE_JSON = re.compile(
    r'|["\[{].*|true|false|null|NaN|-?Infinity|-?\d+(\.\d+)?([eE][+-]?\d+)?', re.DOTALL
)


@dataclass(frozen=True)
class Leaf:
    """A value without members; `plain` is its text without what is the run's own."""

    text: str
    plain: str

    def same(self, other: "Leaf | None") -> bool:
        """Tell whether another run has the same here."""
        return other is not None and (self.text == other.text or self.plain == other.plain)


Leaves = dict[Path, Leaf]


def leaves(data: Any, own: OwnNames) -> Leaves:
    """Return every leaf of JSON data by its path, however deep; the data itself may be one."""
    found: Leaves = {}
    pending: list[tuple[Path, Any]] = [((), data)]
    while pending:
        path, value = pending.pop()
        inner: list[tuple[str, Any]] = []
        if isinstance(value, dict):
            inner = list(value.items())
        elif isinstance(value, list):
            inner = [(str(index), item) for index, item in enumerate(value)]
        if inner:
            pending += [((*path, key), item) for key, item in reversed(inner)]
        else:
            found[path] = _leaf(value, own)
    return found


def differing(a: Leaves, b: Leaves) -> Iterator[tuple[Path, str | None, str | None]]:
    """Yield the paths at which two documents differ, with the texts there."""
    for path in dict.fromkeys((*a, *b)):
        one, other = a.get(path), b.get(path)
        if one is None or not one.same(other):
            yield path, one.text if one else None, other.text if other else None


def dotted(path: Path) -> str:
    """Return a path as a person writes it."""
    return ".".join(path)


def _leaf(value: Any, own: OwnNames) -> Leaf:
    if isinstance(value, str):
        return Leaf(quoted(value), quoted(own.plain(value)))
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        value = int(value)  # 1 and 1.0 are one number in JSON
    text = json.dumps(value)
    return Leaf(text, text)


def quoted(value: str) -> str:
    """Return text as a leaf shows it: in quotes where it could be taken for a number or such."""
    return json.dumps(value, ensure_ascii=False) if _LIKE_JSON.fullmatch(value) else value

"""A parsed YAML document in which every value knows where it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from osiris.compiler.excerpt import excerpt
from osiris.compiler.problem import Path, Problem, Report, dotted

Scalar = str | int | float | bool | None


class Mark(NamedTuple):
    """A position in a file; both numbers count from 1, the column in characters."""

    line: int
    column: int


START = Mark(1, 1)
"""Where a file begins."""


@dataclass(slots=True)
class Node:
    """A value and its position.

    Attributes:
        value: a scalar, a list of nodes or a mapping of nodes.
        mark: where the value starts.
        style: the YAML style of a scalar: "" (plain), `'`, `"`, `|` or `>`.
        keys: where the keys of a mapping stand.
        size: number of nodes in the value, aliases counted as often as they are used.
        depth: levels of nesting, 1 for a scalar.

    """

    value: "Scalar | list[Node] | dict[str, Node]"
    mark: Mark
    style: str = ""
    keys: dict[str, Mark] = field(default_factory=dict)
    size: int = 1
    depth: int = 1

    @property
    def mapping(self) -> "dict[str, Node] | None":
        """The members, when this is a mapping."""
        return self.value if isinstance(self.value, dict) else None

    @property
    def items(self) -> "list[Node] | None":
        """The items, when this is a list."""
        return self.value if isinstance(self.value, list) else None

    def plain(self) -> Any:
        """Return the value as plain Python data, without positions."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


@dataclass(frozen=True)
class Document:
    """A file that was read: its name, its lines and what is reported about it.

    Of a `private` one problems show no values: they may be secrets.
    """

    filename: str
    lines: list[str]
    report: Report
    private: bool = False

    def line(self, number: int) -> str:
        """Return a line of the file by its number; "" for one that is not there."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def problem(
        self, mark: Mark | None, path: Path, message: str, hint: str | None = None
    ) -> Problem:
        """Return a problem of this file."""
        line, column = mark or (None, None)
        shown = None if line is None else excerpt(self.line(line), private=self.private)
        return Problem(self.filename, line, column, dotted(path), message, hint, shown)


@dataclass(frozen=True)
class Place:
    """A value in a document, with the path that leads to it: what checks look at and report on."""

    document: Document
    node: Node
    path: Path = ()

    @property
    def value(self) -> Any:
        """The scalar, the list of nodes or the mapping of nodes at this place."""
        return self.node.value

    def get(self, key: str) -> "Place | None":
        """Return the member of a mapping, or None when there is none."""
        node = (self.node.mapping or {}).get(key)
        return None if node is None else Place(self.document, node, (*self.path, key))

    def members(self) -> "Iterator[tuple[str, Place]]":
        """Iterate over the members of a mapping."""
        for key, node in (self.node.mapping or {}).items():
            yield key, Place(self.document, node, (*self.path, key))

    def items(self) -> "Iterator[Place]":
        """Iterate over the items of a list."""
        for index, node in enumerate(self.node.items or ()):
            yield Place(self.document, node, (*self.path, index))

    def inside(self) -> "Iterator[Place]":
        """Iterate over this place and every place below it."""
        yield self
        for _, member in self.members():
            yield from member.inside()
        for item in self.items():
            yield from item.inside()

    def find(self, location: Path) -> "tuple[Place, Path]":
        """Follow a path as far as it leads; return the place there and what is left of the path.

        Parts that name no member are passed over when a later one does: pydantic puts the names
        of validators and union members between the keys.
        """
        place, left = self, list(location)
        while left:
            reached = next((i for i, part in enumerate(left) if place.has(part)), None)
            if reached is None:
                break
            part = left[reached]
            node = place.value[part]
            place = Place(place.document, node, (*place.path, part))
            left = left[reached + 1 :]
        return place, tuple(left)

    def has(self, part: str | int) -> bool:
        """Tell whether there is a member or item of this key or index."""
        if isinstance(part, int):
            return part < len(self.node.items or ())
        return part in (self.node.mapping or {})

    def error(
        self, message: str, hint: str | None = None, *, mark: Mark | None = None, below: Path = ()
    ) -> None:
        """Report a mistake here, or at `mark` and with `below` added to the path."""
        problem = self.document.problem(mark or self.node.mark, (*self.path, *below), message, hint)
        self.document.report.error(problem)

    def key_error(self, key: str, message: str, hint: str | None = None) -> None:
        """Report a mistake at the key of a member of this mapping."""
        self.error(message, hint, mark=self.node.keys.get(key), below=(key,))

    def warn(self, message: str, hint: str | None = None, *, mark: Mark | None = None) -> None:
        """Report a warning here, or at `mark`."""
        problem = self.document.problem(mark or self.node.mark, self.path, message, hint)
        self.document.report.warn(problem)

"""Building a document's tree from the events of a YAML parser, without recursion."""

from dataclasses import dataclass, field
from typing import Any

import yaml

from osiris.compiler.document import START, Document, Mark, Node
from osiris.compiler.problem import Path, Problem
from osiris.compiler.yaml_scalar import BadScalarError, checked_text, resolve, stand_in

_TAG = "tag:yaml.org,2002:"


class Unreadable(Exception):  # noqa: N818 - an outcome of reading, caught where it is reported
    """The file cannot be read any further, for the reason given by `problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass
class _Open:
    """A collection whose end was not seen yet; `key` waits for its value in a mapping.

    `merges` tells that the key is a merge key: `<<` without quotes.
    """

    node: Node
    anchor: str | None
    key: str | None = None
    merges: bool = False
    key_mark: Mark = START
    merged: list[Node] = field(default_factory=list)


class TreeBuilder:
    """Takes the parser's events one by one and puts the nodes together.

    Raises `Unreadable` for what makes the rest meaningless; reports duplicate keys, bad scalars
    and refused tags and goes on.
    """

    def __init__(self, document: Document, *, max_nodes: int, max_depth: int) -> None:
        self._document = document
        self._max_nodes = max_nodes
        self._max_depth = max_depth
        self._nodes = 0
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._root: Node | None = None
        self._documents = 0

    def result(self) -> Node:
        """Return the root of the document."""
        if self._root is None:
            raise self._unreadable(START, "the file is empty")
        return self._root

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        mark = _mark(event)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                hint = "keep one pipeline in a file and remove the line ---"
                raise self._unreadable(mark, "a second document begins here", hint)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor), mark)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, mark)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._start(event, mark)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._end()

    def _scalar(self, event: Any, mark: Mark) -> None:
        style = event.style or ""
        if self._wants_key():
            self._check_tag(event.tag, "str", mark)
            self._key(event.value, mark, event.anchor)
            self._open[-1].merges = event.value == "<<" and not style
            return
        try:
            value = resolve(event.value, event.tag, plain=not style)
        except BadScalarError as error:
            self._error(mark, str(error), error.hint)
            value = stand_in(event.value)
        node = Node(value, mark, style)
        self._count(node)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._add(node)

    def _start(self, event: Any, mark: Mark) -> None:
        if self._wants_key():
            raise self._unreadable(mark, "a key must be text", "quote it")
        if len(self._open) >= self._max_depth:
            raise self._unreadable(mark, f"values are nested deeper than {self._max_depth} levels")
        mapping = isinstance(event, yaml.MappingStartEvent)
        self._check_tag(event.tag, "map" if mapping else "seq", mark)
        node = Node({} if mapping else [], mark)
        self._count(node)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._open.append(_Open(node, event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        members = done.node.value
        for source in done.merged:
            for key, node in (source.mapping or {}).items():
                if isinstance(members, dict) and key not in members:
                    members[key] = node
                    done.node.keys[key] = source.keys[key]
        if done.anchor:
            self._anchors[done.anchor] = done.node
        self._add(done.node)

    def _alias(self, anchor: str, mark: Mark) -> None:
        if self._wants_key():
            raise self._unreadable(mark, "an alias cannot be a key", "write the key out")
        node = self._anchors.get(anchor)
        if node is None:
            what = "stands inside what it names" if anchor in self._anchors else "is not defined"
            raise self._unreadable(mark, f"alias *{anchor} {what}")
        if len(self._open) + node.depth > self._max_depth:
            raise self._unreadable(mark, f"values are nested deeper than {self._max_depth} levels")
        self._count(node)
        self._add(Node(node.value, mark, node.style, node.keys, node.size, node.depth))

    def _count(self, node: Node) -> None:
        self._nodes += node.size
        if self._nodes > self._max_nodes:
            message = f"the file holds more than {self._max_nodes} values, aliases expanded"
            raise self._unreadable(node.mark, message, "split it into several files")

    def _wants_key(self) -> bool:
        return (
            bool(self._open)
            and self._open[-1].node.mapping is not None
            and (self._open[-1].key is None)
        )

    def _key(self, key: str, mark: Mark, anchor: str | None) -> None:
        if anchor:
            raise self._unreadable(mark, "a key cannot be an anchor", "anchor its value")
        try:
            checked_text(key)
        except BadScalarError as error:
            raise self._unreadable(mark, str(error), error.hint) from None
        self._open[-1].key, self._open[-1].key_mark = key, mark

    def _add(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        parent.node.size += node.size
        parent.node.depth = max(parent.node.depth, node.depth + 1)
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
        elif parent.key is not None:
            key, parent.key = parent.key, None
            self._member(parent, key, node)

    def _member(self, parent: _Open, key: str, node: Node) -> None:
        members = parent.node.value
        if not isinstance(members, dict):
            return
        if parent.merges:
            sources = node.items if node.items is not None else [node]
            if any(source.mapping is None for source in sources):
                self._error(node.mark, "<< merges mappings", "write <<: *name_of_a_mapping")
            parent.merged.extend(sources)
        elif key in members:
            first = parent.node.keys[key].line
            message = f"key {key!r} is already used in line {first}"
            self._error(parent.key_mark, message, "remove one of them", key=key)
        else:
            members[key] = node
            parent.node.keys[key] = parent.key_mark

    def _check_tag(self, tag: str | None, kind: str, mark: Mark) -> None:
        if tag not in {None, "!", _TAG + kind}:
            self._error(mark, f"tag {_short(tag)} is not allowed", "remove it")

    def _path(self) -> Path:
        path: list[str | int] = []
        for parent in self._open:
            if parent.node.items is not None:
                path.append(len(parent.node.items))
            elif parent.key is not None:
                path.append(parent.key)
        return tuple(path)

    def _error(self, mark: Mark, message: str, hint: str | None, *, key: str | None = None) -> None:
        path = self._path() if key is None else (*self._path(), key)
        self._document.report.error(self._document.problem(mark, path, message, hint))

    def _unreadable(self, mark: Mark, message: str, hint: str | None = None) -> Unreadable:
        return Unreadable(self._document.problem(mark, self._path(), message, hint))


def _mark(event: yaml.Event) -> Mark:
    at = event.start_mark
    return START if at is None else Mark(at.line + 1, at.column + 1)


def _short(tag: str | None) -> str:
    return "" if tag is None else tag.replace(_TAG, "!!")

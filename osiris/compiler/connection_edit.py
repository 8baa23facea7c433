"""Adding a connection to `osiris_connections.yaml` without touching anything else in it.

The text is not written anew but gets lines put in: remarks, order, quotes and indentation of what
is there stay as they are, byte for byte.
"""

from typing import Any

import yaml

from osiris.core.errors import ConnectionConfigError

_KEY = "connections"


_WIDE = 1 << 20


class _Dumper(yaml.SafeDumper):
    """Writes every value into one line, with escapes where it would take more."""


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"'
    )


_Dumper.add_representer(str, _text)


def with_connection(text: str, family: str, alias: str, fields: dict[str, Any], name: str) -> str:
    """Return the file's text with one more connection.

    Args:
        text: what the file holds; sound YAML, "" when there is none yet.
        family: the connection's family.
        alias: its name, which the family does not have yet.
        fields: its fields.
        name: the file's name, for messages.

    Raises:
        ConnectionConfigError: when connections are written in braces: no line goes into those.

    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    block = None if root is None else _member(root, _KEY, name)
    if block is None:
        return text + _ended(text) + _dumped({_KEY: {family: {alias: fields}}}, 0)
    if not block[1].value:
        return _in_place_of(text, *block, {family: {alias: fields}})
    inner = _member(block[1], family, name)
    if inner is None:
        return _behind(text, block[1], {family: {alias: fields}})
    if not inner[1].value:
        return _in_place_of(text, *inner, {alias: fields})
    _member(inner[1], alias, name)
    return _behind(text, inner[1], {alias: fields})


def _member(node: yaml.Node, key: str, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(node, yaml.MappingNode) or (node.flow_style and node.value):
        raise _braces(node, name)
    return next((pair for pair in node.value if pair[0].value == key), None)


def _braces(node: yaml.Node, name: str) -> ConnectionConfigError:
    line = node.start_mark.line + 1
    return ConnectionConfigError(
        f"{name}:{line}: connections in braces cannot be added to",
        hint="write them as lines, each below the one it belongs to",
    )


def _in_place_of(text: str, key: yaml.Node, empty: yaml.Node, data: dict[str, Any]) -> str:
    """Return the text with a key given its first members, in place of {} or nothing."""
    start, end = empty.start_mark.index, empty.end_mark.index
    rest, _, following = text[end:].partition("\n")
    before = text[:start].rstrip(" ")
    added = _dumped(data, key.start_mark.column + 2)
    return f"{before}{rest.rstrip()}\n{added}{following}"


def _behind(text: str, node: yaml.Node, data: dict[str, Any]) -> str:
    """Return the text with members put behind the last one of a mapping in lines."""
    at = _end_of_line(text, node)
    added = _dumped(data, node.value[0][0].start_mark.column)
    return text[:at] + _ended(text[:at]) + added + text[at:]


def _end_of_line(text: str, node: yaml.Node) -> int:
    """Return the place behind the last line that a value takes."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = len(text[: node.end_mark.index].rstrip())  # a text in lines ends where the next begins
    return text.find("\n", end) + 1 or len(text)


def _ended(text: str) -> str:
    return "" if not text or text.endswith("\n") else "\n"


def _dumped(data: dict[str, Any], indent: int) -> str:
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDE)
    return "".join(f"{' ' * indent}{line}\n" for line in text.removesuffix("\n").split("\n"))

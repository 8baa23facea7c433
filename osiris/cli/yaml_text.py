"""Writing small data as YAML the way a person would."""

import json
import re
from typing import Any

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./ -]*(?<! )")
_SPECIAL = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", ".inf"})


def yaml_lines(data: Any, indent: str = "") -> list[str]:
    """Return the lines of a mapping, a list or a scalar; every line begins with `indent`."""
    if isinstance(data, dict) and data:
        return [line for key, value in data.items() for line in _member(key, value, indent)]
    if isinstance(data, list | tuple) and data:
        return [line for item in data for line in _item(item, indent)]
    return [indent + _scalar(data)]


def _member(key: str, value: Any, indent: str) -> list[str]:
    head = f"{indent}{_scalar(key)}:"
    if isinstance(value, str) and _is_block(value):
        return [f"{head} |", *(f"{indent}  {line}".rstrip() for line in value[:-1].split("\n"))]
    if isinstance(value, dict | list | tuple) and value:
        return [head, *yaml_lines(value, indent + "  ")]
    return [f"{head} {_scalar(value)}"]


def _item(value: Any, indent: str) -> list[str]:
    lines = yaml_lines(value, indent + "  ")
    return [f"{indent}- {lines[0].lstrip()}", *lines[1:]]


def _is_block(text: str) -> bool:
    """Tell whether text reads better, and stays the same, as a block of lines."""
    *lines, end = text.split("\n")
    return bool(lines) and not end and bool(lines[-1]) and all(map(_is_block_line, lines))


def _is_block_line(line: str) -> bool:
    return line.isprintable() and line == line.strip()


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _SPECIAL:
        return value
    return "".join(map(_escaped, json.dumps(value, ensure_ascii=False)))


def _escaped(char: str) -> str:
    """Return a character of a JSON text as YAML takes it: JSON lets more stand as it is."""
    return char if char.isprintable() else f"\\U{ord(char):08X}"

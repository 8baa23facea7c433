"""Data as bytes, the same everywhere: canonical JSON (RFC 8785) and a fixed form of YAML."""

import hashlib
import json
import re
from typing import Any

import rfc8785

# Characters that JSON leaves as they are and YAML wants escaped (YAML 1.2.2, 5.1 and 5.4).
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NOT_PLAIN = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n"])


def canonical_json(data: Any) -> bytes:
    """Return JSON-like data as canonical JSON without a line end."""
    return rfc8785.dumps(data)


def fingerprint(data: Any) -> str:
    """Return `sha256:` and the SHA-256 over the canonical JSON of some data, in hex."""
    return f"sha256:{hashlib.sha256(canonical_json(data)).hexdigest()}"


def yaml_text(data: dict[str, Any]) -> str:
    """Return a mapping as YAML: block style, keys in the order given, every text in quotes.

    It depends on nothing but the data, neither on a library's version nor on the width of a line.
    """
    return "".join(f"{line}\n" for line in _lines(data))


def _lines(data: Any) -> list[str]:
    if isinstance(data, dict) and data:
        return [line for key, value in data.items() for line in _member(key, value)]
    if isinstance(data, list | tuple) and data:
        return [line for value in data for line in _item(value)]
    return [_flow(data)]


def _member(key: str, value: Any) -> list[str]:
    plain = _PLAIN_KEY.fullmatch(key) and key.lower() not in _NOT_PLAIN
    name = key if plain else _flow(key)
    if isinstance(value, dict | list | tuple) and value:
        indent = "  " if isinstance(value, dict) else ""
        return [f"{name}:", *(f"{indent}{line}" for line in _lines(value))]
    return [f"{name}: {_flow(value)}"]


def _item(value: Any) -> list[str]:
    first, *rest = _lines(value)
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _flow(value: Any) -> str:
    """Return a scalar or an empty collection: JSON, which is YAML but for a few characters."""
    text = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", text)

"""Checks of a document's shape: which keys a mapping has, and of what type a value is."""

import re
from collections.abc import Collection

from osiris.compiler.document import Node, Place
from osiris.compiler.problem import did_you_mean, one_of

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")


def kind(value: object) -> str:
    """Return what people call a value's type: `a list`, `a number`, `text`."""
    names = {str: "text", bool: "true or false", dict: "a mapping", list: "a list"}
    if value is None:
        return "empty"
    return names.get(type(value), "a number")


def check_keys(
    place: Place, *, allowed: Collection[str], required: Collection[str] = (), what: str
) -> bool:
    """Report unknown and missing keys of a mapping, and a value that is no mapping.

    Args:
        place: the value.
        allowed: every key there may be, the required ones included.
        required: the keys there must be.
        what: what the mapping is, for messages: `a step`.

    Returns:
        Whether the value is a mapping, so that its members can be looked at.

    """
    if place.node.mapping is None:
        place.error(f"{what} is a mapping, not {kind(place.value)}", f"keys: {', '.join(allowed)}")
        return False
    for key, _ in place.members():
        if key not in allowed:
            hint = did_you_mean(key, allowed) or f"{what} has {one_of(allowed)}"
            place.key_error(key, f"unknown key {key!r}", hint)
    for key in required:
        if place.get(key) is None:
            place.error(f"{what} needs the key {key!r}", f"add {key}: …", below=(key,))
    return True


def text(place: Place | None, what: str) -> str | None:
    """Return non-empty text; report anything else and return None."""
    if place is None:
        return None
    value = place.value
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, bool | int | float):
        place.error(f"{what} must be text, not {kind(value)}", "put it in quotes")
    else:
        found = "empty" if isinstance(value, str) else kind(value)
        place.error(f"{what} must be text, not {found}")
    return None


def mapping(place: Place | None, what: str) -> Place | None:
    """Return a mapping's place, empty for a key without a value; report anything else."""
    if place is None or place.node.mapping is not None:
        return place
    if place.value is None:
        return Place(place.document, Node({}, place.node.mark), place.path)
    place.error(f"{what} must be a mapping, not {kind(place.value)}")
    return None


def number(place: Place, what: str, *, low: float, high: float) -> float | None:
    """Return a number within bounds; report anything else and return None."""
    value = place.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        place.error(f"{what} must be a number, not {kind(value)}")
        return None
    if not low <= value <= high:
        place.error(f"{what} must be from {low:g} to {high:g}, not {value:g}")
        return None
    return value


def duration(place: Place, what: str, *, low: float, high: float) -> float | None:
    """Return seconds from a number or from `500ms`, `30s`, `5m`, `1h`; report anything else."""
    value = place.value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None and (isinstance(value, bool) or not isinstance(value, int | float)):
        place.error(
            f"{what} must be a number of seconds or a text like 30s", "units: ms, s, m and h"
        )
        return None
    seconds = float(match[1]) * _UNITS[match[2]] if match else float(value)
    if not low <= seconds <= high:
        place.error(f"{what} must be from {low:g} to {high:g} seconds, not {seconds:g}")
        return None
    return seconds

"""Checking that an event read from a file holds values of the types its class declares."""

from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from osiris.core.events import Event


def is_sound(event: Event) -> bool:
    """Tell whether every field of an event holds what its annotation says."""
    hints = _hints(type(event))
    return all(fits(getattr(event, item.name), hints[item.name]) for item in fields(event))


def fits(value: Any, hint: Any) -> bool:
    """Tell whether a JSON value fits an annotation made of plain types, lists, dicts and unions."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return any(fits(value, option) for option in arguments)
    if origin is list:
        return isinstance(value, list) and all(fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(v, arguments[1]) for v in value.values())
    if type(value) in {int, float} and not abs(value) < _LARGEST:
        return False
    return hint is Any or type(value) in _JSON_TYPES.get(hint, (hint,))


_LARGEST = 1 << 63
"""Counts are of 64 bits; JSON knows no limit."""

_JSON_TYPES: dict[Any, tuple[type, ...]] = {float: (int, float), None: (NoneType,)}
"""Where JSON's types are not Python's; `True` is no number, so types are compared exactly."""


_known: dict[type[Event], dict[str, Any]] = {}


def _hints(kind: type[Event]) -> dict[str, Any]:
    """Return the annotations of a class; finding them is slow, so each class is asked once."""
    if kind not in _known:
        _known[kind] = get_type_hints(kind)
    return _known[kind]

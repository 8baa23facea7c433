"""Checking that a value read from a record is of the type its dataclass declares."""

from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def is_sound(record: Any) -> bool:
    """Tell whether every field of a dataclass instance holds what its annotation says."""
    hints = _hints(type(record))
    return all(fits(getattr(record, item.name), hints[item.name]) for item in fields(record))


def fits(value: Any, hint: Any) -> bool:
    """Tell whether a JSON value fits an annotation made of plain types, lists, dicts and unions."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return any(fits(value, option) for option in arguments)
    if origin is list:
        return isinstance(value, list) and all(fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(fits(v, arguments[1]) for v in value.values())
    return hint is Any or type(value) in _JSON_TYPES.get(hint, (hint,))


_JSON_TYPES: dict[Any, tuple[type, ...]] = {float: (int, float), None: (NoneType,)}
"""Where JSON's types are not Python's; `True` is no number, so types are compared exactly."""


@cache
def _hints(kind: object) -> dict[str, Any]:
    return get_type_hints(kind)

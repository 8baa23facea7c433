"""The types a param can have, and reading a value of one from YAML or from a command line."""

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Any

_LARGEST = 2**53 - 1
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TRUTH = {"true": True, "yes": True, "on": True, "1": True}
_TRUTH |= {"false": False, "no": False, "off": False, "0": False}


class ParamValueError(Exception):
    """A value that is not of a param's type; the text says what the type wants."""


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ParamValueError("must be text; put it in quotes")


def _integer(value: Any) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST:
        return value
    raise ParamValueError("must be a whole number")


def _number(value: Any) -> int | float:
    if isinstance(value, str):
        try:
            return _integer(value)
        except ParamValueError:
            pass  # it may still be a number with a fraction
        try:
            value = float(value) if "_" not in value else math.nan
        except ValueError:
            value = math.nan
    if isinstance(value, int) and not isinstance(value, bool):
        return _integer(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise ParamValueError("must be a number")


def _boolean(value: Any) -> bool:
    found = _TRUTH.get(value.strip().lower()) if isinstance(value, str) else value
    if isinstance(found, bool):
        return found
    raise ParamValueError("must be true or false")


def _date(value: Any) -> str:
    text = value.isoformat() if type(value) is date else value
    if isinstance(text, str) and _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError as error:
            raise ParamValueError(f"must be a date: {error}") from None
    raise ParamValueError("must be a date like 2024-12-31")


PARAM_TYPES: dict[str, Callable[[Any], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
}
"""By name: a function that returns the value as JSON holds it or raises `ParamValueError`."""


def type_of(value: Any) -> str:
    """Return the name of the type a bare default value stands for."""
    names = {bool: "boolean", int: "integer", float: "number"}
    return names.get(type(value), "string")

"""One declared param: its type, its default and what its values must be."""

import re
from dataclasses import dataclass, replace
from typing import Any

from osiris.compiler.document import Place
from osiris.compiler.param_type import PARAM_TYPES, ParamValueError, type_of
from osiris.compiler.problem import did_you_mean, one_of
from osiris.compiler.shape import check_keys, kind, text
from osiris.core.placeholders import has_placeholder

PARAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_KEYS = ("type", "default", "required", "enum", "minimum", "maximum", "description")
_ORDERED = frozenset({"integer", "number", "date"})


@dataclass(frozen=True)
class ParamDeclaration:
    """A param: a value of `type` within its bounds; `default` is None when it is `required`."""

    name: str
    type: str
    required: bool
    default: Any = None
    enum: tuple[Any, ...] = ()
    minimum: Any = None
    maximum: Any = None
    description: str | None = None

    def check(self, value: Any) -> Any:
        """Return the value as JSON holds it; raise `ParamValueError` when it does not fit."""
        if isinstance(value, str) and has_placeholder(value):
            return value  # known only when the pipeline runs
        typed = PARAM_TYPES[self.type](value)
        if self.enum and typed not in self.enum:
            listed = one_of(map(str, self.enum))
            raise ParamValueError(f"must be {listed}, not {typed!r}")
        if self.minimum is not None and typed < self.minimum:
            raise ParamValueError(f"must be at least {self.minimum}, not {typed}")
        if self.maximum is not None and typed > self.maximum:
            raise ParamValueError(f"must be at most {self.maximum}, not {typed}")
        return typed


def read_declaration(name: str, place: Place) -> ParamDeclaration | None:
    """Read `name: default` or `name: {type, default, …}`; report mistakes and return None."""
    if not PARAM_NAME.fullmatch(name):
        hint = "use letters, digits, _ and -, a letter first"
        place.error(f"{name!r} is no name for a param", hint)
        return None
    if place.node.mapping is not None:
        return _read_mapping(name, place)
    if place.node.items is not None or place.value is None:
        hint = "give a default, or {type: string, required: true}"
        place.error(f"a param is a default value or a mapping, not {kind(place.value)}", hint)
        return None
    return ParamDeclaration(name, type_of(place.value), required=False, default=place.value)


def _read_mapping(name: str, place: Place) -> ParamDeclaration | None:
    check_keys(place, allowed=_KEYS, required=("type",), what="a param")
    type_ = _type(place.get("type"))
    required = _required(place)
    description = place.get("description")
    about = text(description, "description") if description else None
    if type_ is None or required is None:
        return None
    low, high = _bound(place, "minimum", type_), _bound(place, "maximum", type_)
    if low is not None and high is not None and low > high:
        place.key_error("maximum", f"maximum {high} is below minimum {low}", "swap them")
        return None
    declaration = ParamDeclaration(
        name,
        type_,
        required,
        enum=_enum(place, type_),
        minimum=low,
        maximum=high,
        description=about,
    )
    default = place.get("default")
    if default is None:
        return declaration
    return _with_default(declaration, default)


def _with_default(declaration: ParamDeclaration, default: Place) -> ParamDeclaration | None:
    try:
        value = declaration.check(default.value)
    except ParamValueError as error:
        default.error(f"default {error}")
        return None
    return replace(declaration, default=value)


def _type(place: Place | None) -> str | None:
    name = text(place, "type")
    if place is None or name is None or name in PARAM_TYPES:
        return name
    hint = did_you_mean(name, PARAM_TYPES) or one_of(PARAM_TYPES)
    place.error(f"there is no type {name!r}", hint)
    return None


def _required(place: Place) -> bool | None:
    has_default = place.get("default") is not None
    flag = place.get("required")
    if flag is None:
        return not has_default
    if not isinstance(flag.value, bool):
        flag.error(f"required must be true or false, not {kind(flag.value)}")
        return None
    if flag.value == has_default:
        what = (
            "a required param has no default" if flag.value else "an optional param has a default"
        )
        flag.error(what, "remove required; a param without a default is required")
        return None
    return flag.value


def _enum(place: Place, type_: str) -> tuple[Any, ...]:
    listed = place.get("enum")
    if listed is None:
        return ()
    if not listed.node.items:
        listed.error("enum must be a list of at least one value")
        return ()
    return tuple(value for item in listed.items() if (value := _typed(item, type_)) is not None)


def _bound(place: Place, key: str, type_: str) -> Any:
    bound = place.get(key)
    if bound is None:
        return None
    if type_ not in _ORDERED:
        bound.error(f"{key} does not go with type {type_}", "it goes with integer, number and date")
        return None
    return _typed(bound, type_)


def _typed(place: Place, type_: str) -> Any:
    try:
        return PARAM_TYPES[type_](place.value)
    except ParamValueError as error:
        place.error(str(error))
        return None

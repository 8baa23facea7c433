"""A pipeline's params: what it declares, and the values it is compiled with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osiris.compiler.document import Place
from osiris.compiler.literal_secret import named_like_a_secret, secret_in
from osiris.compiler.param_declaration import ParamDeclaration, read_declaration
from osiris.compiler.param_type import ParamValueError
from osiris.compiler.problem import Problem, did_you_mean, listed
from osiris.compiler.shape import mapping
from osiris.compiler.yaml_scalar import BadScalarError, checked_text
from osiris.core.placeholders import has_placeholder

COMMAND_LINE = "--param"
"""Stands for the file in a problem with a value that was given from outside."""


@dataclass(frozen=True)
class Params:
    """The params by name; `values` lacks those whose value is missing or wrong."""

    declared: dict[str, Place]
    values: dict[str, Any]


def read_params(root: Place, given: Mapping[str, Any]) -> Params:
    """Read the declarations, take in the given values, and report all that does not fit."""
    block = mapping(root.get("params"), "params")
    declared = dict(block.members()) if block else {}
    values: dict[str, Any] = {}
    for name, place in declared.items():
        declaration = read_declaration(name, place)
        if declaration is not None:
            _value_of(declaration, place, given, values)
    for name in given:
        if name not in declared:
            hint = did_you_mean(name, declared) or f"it has {listed(declared) or 'none'}"
            _given_problem(root, name, "the pipeline has no such param", hint)
    return Params(declared, values)


def _value_of(
    declaration: ParamDeclaration, place: Place, given: Mapping[str, Any], values: dict[str, Any]
) -> None:
    name = declaration.name
    try:
        if name in given:
            values[name] = _checked(declaration, given[name])
            if _discloses(name, values[name]):
                _given_problem(place, name, *_SECRET)
        elif declaration.required:
            hint = f"give it with --param {name}=…, or declare a default"
            place.error(f"param {name!r} is required and has no value", hint)
        else:
            values[name] = declaration.default
            if _discloses(name, declaration.default):
                place.error(*_SECRET)
    except ParamValueError as error:
        _given_problem(place, name, str(error), declaration.description)


_SECRET = (
    "looks like a secret; params are written into the manifest",
    "use an environment variable: ${NAME}",
)


def _checked(declaration: ParamDeclaration, value: Any) -> Any:
    if isinstance(value, str):
        try:
            checked_text(value)
        except BadScalarError as error:
            raise ParamValueError(str(error)) from None
    return declaration.check(value)


def _discloses(name: str, value: Any) -> bool:
    if not isinstance(value, str) or not value:
        return False
    return secret_in(value) is not None or (
        named_like_a_secret(name) and not has_placeholder(value)
    )


def _given_problem(place: Place, name: str, message: str, hint: str | None) -> None:
    problem = Problem(COMMAND_LINE, None, None, f"params.{name}", message, hint)
    place.document.report.error(problem)

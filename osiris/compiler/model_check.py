"""Checking a mapping against a component's own model, each mistake at its place in the YAML."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from osiris.compiler.document import Place
from osiris.compiler.model_fields import field_names
from osiris.compiler.problem import Path, did_you_mean, one_of
from osiris.compiler.references import unknown_until_run

_CHOICE = re.compile(r"'([^']*)'")
# What a validator raises that did not expect what it is given; pydantic lets it through.
_CRASHES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError)
_NO_NUMBER = frozenset({"int_type", "float_type"})


@dataclass(frozen=True)
class _Finding:
    """One of pydantic's errors: where it is in the data, and what of the path is not there."""

    place: Place
    left: Path
    kind: str
    text: str
    choices: tuple[str, ...]


def check_model(
    model: type[BaseModel], data: dict[str, Any], place: Place, *, what: str, ignore: str = ""
) -> None:
    """Report all that `model` refuses.

    A value that holds a placeholder is exempt: its type is known only when the step runs.

    Args:
        model: what the data must be.
        data: the values, params filled in.
        place: where the data came from.
        what: whose options these are, for messages: `mysql.extractor`.
        ignore: name of a member whose mistakes are reported elsewhere, and which may be in a
            state in which a validator that looks at it crashes.

    """
    try:
        errors = list(_errors(model, data))
    except _CRASHES as error:
        if not ignore and not unknown_until_run(data):
            message = f"{what} could not check its options: {type(error).__name__}"
            place.error(message, "report this to the makers of the component")
        return
    findings = [
        _finding(error, place)
        for error in errors
        if error["loc"][:1] != (ignore,) and not unknown_until_run(_scalar_at(data, error["loc"]))
    ]
    for path, group in _grouped(findings).items():
        _report(group, path, model, place, what)


def _errors(model: type[BaseModel], data: dict[str, Any]) -> Iterator[Any]:
    """Yield pydantic's errors: of the lax rules, and for true and false where a number belongs."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        yield from error.errors(include_url=False)
    numbers = (value for value in _scalars(data) if isinstance(value, bool))
    if next(numbers, None) is None:
        return
    plain = {key: value for key, value in data.items() if not isinstance(value, BaseModel)}
    try:
        model.model_validate_json(json.dumps(plain), strict=True)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            if item["type"] in _NO_NUMBER and isinstance(item["input"], bool):
                yield item


def _scalars(data: Any) -> Iterator[Any]:
    if isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from _scalars(value)
    else:
        yield data


def _scalar_at(data: Any, location: Path) -> Any:
    """Return the scalar that an error is about, or None when it is about a mapping or a list."""
    for part in location:
        inside = part in data if isinstance(data, dict) else False
        if isinstance(data, list) and isinstance(part, int):
            inside = part < len(data)
        data = data[part] if inside else data
    return None if isinstance(data, dict | list) else data


def _finding(error: Any, place: Place) -> _Finding:
    found, left = place.find(error["loc"])
    expected = str(error.get("ctx", {}).get("expected", ""))
    text = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    text = re.sub(r"^Input should", "should", text)
    # What is left of the path is the name of a missing member only where a member is missing.
    rest = left[-1:] if error["type"] == "missing" else ()
    return _Finding(found, rest, error["type"], text, tuple(_CHOICE.findall(expected)))


def _grouped(findings: list[_Finding]) -> dict[Path, list[_Finding]]:
    """Return the findings by path; a union's members that were not meant are left out.

    When a value may be of several types, pydantic reports what is wrong for each. Where one got
    into the value and found the mistake inside, the others' "this is no list" says nothing.
    """
    groups: dict[Path, list[_Finding]] = {}
    for finding in findings:
        groups.setdefault((*finding.place.path, *finding.left), []).append(finding)
    for path, group in list(groups.items()):
        inner = any(other[: len(path)] == path and other != path for other in groups)
        if inner and all(finding.kind.endswith("_type") for finding in group):
            del groups[path]
    return groups


def _report(
    group: list[_Finding], path: Path, model: type[BaseModel], root: Place, what: str
) -> None:
    first = group[0]
    below = path[len(root.path) :]
    if first.kind == "extra_forbidden":
        names = field_names(model, below[:-1])
        hint = did_you_mean(str(path[-1]), names) or f"{what} has {one_of(names)}"
        mark = root.find(below[:-1])[0].node.keys.get(str(path[-1]))
        first.place.error(f"unknown option {path[-1]!r}", hint, mark=mark)
    elif first.kind == "missing":
        message = f"{what} needs the option {path[-1]!r}"
        first.place.error(message, f"add {path[-1]}: …", below=first.left)
    else:
        text = " or ".join(dict.fromkeys(finding.text for finding in group))
        first.place.error(text, _value_hint(group))


def _value_hint(group: list[_Finding]) -> str | None:
    value = group[0].place.value
    choices = [choice for finding in group for choice in finding.choices]
    if choices and isinstance(value, str):
        return did_you_mean(value, choices)
    if any(f.kind == "string_type" for f in group) and isinstance(value, bool | int | float):
        return "put it in quotes"
    return None

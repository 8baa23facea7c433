"""What a component accepts, as data: the part of it that the fingerprint covers."""

from collections.abc import Iterable
from typing import Any

from pydantic.errors import PydanticUserError

from osiris.compiler.step_check import CheckedStep
from osiris.components.component import Component

_FOR_PEOPLE = frozenset({"title", "description", "examples"})
_NAMED = frozenset({"properties", "$defs"})


def specifications(steps: Iterable[CheckedStep]) -> dict[str, Any]:
    """Return the specification of each component in use by its name; report those without one."""
    found: dict[str, Any] = {}
    for step in steps:
        component, place = step.component, step.source.place.get("component")
        if component is None or place is None or component.name in found:
            continue
        try:
            found[component.name] = specification(component)
        except PydanticUserError as error:
            hint = "report this to the makers of the component"
            place.error(f"the options of {component.name} have no JSON Schema: {error.code}", hint)
    return found


def specification(component: Component) -> Any:
    """Return what a component accepts, as the JSON Schema of its configuration.

    Texts for people are left out: to reword an explanation does not change what a pipeline does.
    """
    return _without_texts(component.config.model_json_schema())


def _without_texts(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_texts(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _FOR_PEOPLE}
    return {
        key: {name: _without_texts(item) for name, item in value.items()}
        if key in _NAMED and isinstance(value, dict)
        else _without_texts(value)
        for key, value in kept.items()
    }

"""Which fields of a component's models carry a marker such as `InputPath`, at any depth."""

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

Marker = TypeVar("Marker")


def annotations(annotation: Any) -> Iterator[Any]:
    """Yield an annotation and all that it is made of: of `list[int] | None`, `list[int]` too."""
    yield annotation
    for inner in get_args(annotation):
        yield from annotations(inner)


def marker(field: FieldInfo, kind: type[Marker]) -> Marker | None:
    """Return the first annotation of this kind that a field carries, at any depth."""
    nested = (
        extra
        for part in annotations(field.annotation)
        if get_origin(part) is Annotated
        for extra in part.__metadata__
    )
    return next((extra for extra in (*field.metadata, *nested) if isinstance(extra, kind)), None)


def marked(model: type[BaseModel], kind: type[Marker]) -> Iterator[tuple[str, Marker]]:
    """Iterate over the fields that carry an annotation of this kind."""
    for name, field in model.model_fields.items():
        found = marker(field, kind)
        if found is not None:
            yield name, found


def nested_models(field: FieldInfo) -> list[type[BaseModel]]:
    """Return the models that a field's value may be of."""
    return [
        part
        for part in annotations(field.annotation)
        if isinstance(part, type) and issubclass(part, BaseModel)
    ]

"""What the models of a component say about their fields: nested models, markers, secrets."""

from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from osiris.compiler.problem import Path

Marker = TypeVar("Marker")


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for inner in get_args(annotation):
        yield from _types(inner)


def marker(field: FieldInfo, kind: type[Marker]) -> Marker | None:
    """Return the first annotation of this kind that a field carries, at any depth."""
    nested = (
        extra
        for part in _types(field.annotation)
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
    return [t for t in _types(field.annotation) if isinstance(t, type) and issubclass(t, BaseModel)]


def models_at(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    """Return the models that the mapping at `path` below a value of `model` may be of."""
    models = [model]
    for part in path:
        fields = [m.model_fields[str(part)] for m in models if str(part) in m.model_fields]
        if fields:
            models = [nested for field in fields for nested in nested_models(field)]
    return models


def field_names(model: type[BaseModel], path: Path = ()) -> list[str]:
    """Return the names of the fields that the mapping at `path` may have."""
    return list(dict.fromkeys(name for m in models_at(model, path) for name in m.model_fields))


def is_secret(model: type[BaseModel], path: Path) -> bool:
    """Tell whether the value at `path` below a value of `model` is declared to be a secret."""
    *parents, name = path
    fields = [m.model_fields.get(str(name)) for m in models_at(model, tuple(parents))]
    return any(field is not None and SecretStr in _types(field.annotation) for field in fields)

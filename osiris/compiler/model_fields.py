"""What the models of a component say about the value at a path: its fields, and secrets."""

from pydantic import BaseModel, SecretStr

from osiris.compiler.problem import Path
from osiris.components.marked_fields import annotations, nested_models


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
    return any(field is not None and SecretStr in annotations(field.annotation) for field in fields)

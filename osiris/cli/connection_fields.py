"""`FIELD=VALUE` of a command line as the fields of a connection."""

from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from osiris.compiler.literal_secret import is_reference, named_like_a_secret, variable_for
from osiris.compiler.model_fields import field_names, is_secret, models_at
from osiris.compiler.problem import did_you_mean, one_of
from osiris.components.component import Connection
from osiris.core.errors import UsageError

_PASSWORD = "password"  # noqa: S105 - a field's name, not a password


def fields_of(model: type[Connection], prefix: str, given: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields as the file has them, nested ones (`tls.mode=…`) as mappings.

    Args:
        model: the connection's model.
        prefix: what names of variables begin with.
        given: `FIELD=VALUE`, or `FIELD` for a value that comes from a variable.

    Raises `UsageError` for a field the model does not have, for a secret that is written out, and
    for a field given twice.
    """
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        path = tuple(name.split("."))
        field = _field(model, path)
        reference = f"${{{variable_for(prefix, '_'.join(path))}}}"
        _put(values, path, _typed(field, value) if equals else reference, name)
        if equals and value and not is_reference(value):
            _refuse_secret(model, path, reference)
    for name, field in model.model_fields.items():
        secret = is_secret(model, (name,))
        if secret and name not in values and (field.is_required() or name == _PASSWORD):
            values[name] = f"${{{variable_for(prefix, name)}}}"
    return {name: value for name, value in values.items() if value != ""}


def _field(model: type[Connection], path: tuple[str, ...]) -> FieldInfo:
    *parents, name = path
    for found in models_at(model, tuple(parents)):
        if name in found.model_fields:
            return found.model_fields[name]
    names = field_names(model, tuple(parents))
    hint = did_you_mean(name, names) or f"there are {one_of(names)}"
    raise UsageError(f"a connection of this family has no field {'.'.join(path)!r}", hint=hint)


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any, name: str) -> None:
    *parents, last = path
    for parent in parents:
        values = values.setdefault(parent, {})
    if last in values:
        raise UsageError(f"{name} is given twice", hint="give it once")
    values[last] = value


def _typed(field: FieldInfo, text: str) -> Any:
    """Return a number, true or false for a field that is one, else the text."""
    for parse in (int, float, {"true": True, "false": False}.__getitem__):
        try:
            value = parse(text)
            TypeAdapter(field.rebuild_annotation()).validate_python(value, strict=True)
        except (ValueError, KeyError, ValidationError):
            continue
        return value
    return text


def _refuse_secret(model: type[Connection], path: tuple[str, ...], reference: str) -> None:
    if is_secret(model, path) or named_like_a_secret(path[-1]):
        name = ".".join(path)
        raise UsageError(
            f"{name} is a secret: on a command line it ends in the shell's history",
            hint=f"write {name} alone: it becomes {reference}, a variable to be set in .env",
        )

"""The options of a component as a list, read from its pydantic model."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

Schema = Mapping[str, Any]

CHOICE = " | "
"""Stands between the values of an option that takes one of several."""


@dataclass(frozen=True)
class Option:
    """One option: `type` in words; `default` None also for an option that has no default."""

    name: str
    type: str
    required: bool
    default: Any
    description: str

    @property
    def default_text(self) -> str:
        """The default as a pipeline would write it; `required` when there is none."""
        if self.required:
            return "required"
        if self.default in (None, [], {}):
            return ""
        return json.dumps(self.default, ensure_ascii=False)


def option_list(model: type[BaseModel]) -> list[Option]:
    """Return the model's fields in order; those of a model inside it have dotted names."""
    schema = model.model_json_schema()
    return list(_options(schema, schema.get("$defs", {}), ""))


def _options(schema: Schema, definitions: Schema, prefix: str) -> Iterator[Option]:
    required = schema.get("required", ())
    for name, declared in schema.get("properties", {}).items():
        inner = _resolved(declared, definitions)
        nested = "properties" in inner
        yield Option(
            name=prefix + name,
            type=_type(declared, definitions),
            required=name in required,
            default=None if nested else declared.get("default"),
            description=" ".join(
                str(declared.get("description") or inner.get("description", "")).split()
            ),
        )
        if nested:
            yield from _options(inner, definitions, f"{prefix}{name}.")


def _type(declared: Schema, definitions: Schema) -> str:
    schema = _resolved(declared, definitions)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        texts = [_type(choice, definitions) for choice in choices if choice.get("type") != "null"]
        return " or ".join(dict.fromkeys(texts))
    if "enum" in schema or "const" in schema:
        return CHOICE.join(str(value) for value in schema.get("enum", [schema.get("const")]))
    if schema.get("writeOnly"):
        return "secret"
    return _plain(schema, definitions)


def _plain(schema: Schema, definitions: Schema) -> str:
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}), definitions)}"
    inner = schema.get("additionalProperties")
    if kind == "object" and isinstance(inner, Mapping):
        return f"mapping to {_type(inner, definitions)}"
    return "mapping" if kind == "object" else kind


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: Schema = definitions.get(name, schema)
    return found

"""JSON Schema as people read it: a table of options with type, default and meaning."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tools.docs.markdown import code, table

Schema = Mapping[str, Any]
_LIMITS = {
    "minimum": "≥ {:g}",
    "exclusiveMinimum": "> {:g}",
    "maximum": "≤ {:g}",
    "exclusiveMaximum": "< {:g}",
}


def options(schema: Schema, definitions: Schema | None = None) -> str:
    """Give the properties of an object, those of objects inside it with dotted names."""
    header = ("option", "type", "default", "meaning")
    return table(header, _rows(schema, definitions or schema.get("$defs", {}), ""))


def _rows(schema: Schema, definitions: Schema, prefix: str) -> Iterator[tuple[str, ...]]:
    required = schema.get("required", ())
    for name, given in schema.get("properties", {}).items():
        option = _resolve(_optional(given), definitions)
        inner = "properties" in option
        default = _default(name in required, {} if inner else given)
        meaning = given.get("description") or option.get("description", "")
        yield code(prefix + name), type_text(given, definitions), default, meaning
        if inner:
            yield from _rows(option, definitions, f"{prefix}{name}.")


def type_text(schema: Schema, definitions: Schema) -> str:
    """Say in words what a value may be."""
    schema = _resolve(schema, definitions)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            # A placeholder may stand for any value: said once on the page, not in every line.
            real = [s for s in schema[key] if s.get("type") != "null" and not _placeholder(s)]
            texts = [type_text(s, definitions) for s in real]
            return " or ".join(dict.fromkeys(texts))
    if "enum" in schema or "const" in schema:
        return ", ".join(code(str(v)) for v in schema.get("enum", [schema.get("const")]))
    return _plain(schema, definitions)


def _plain(schema: Schema, definitions: Schema) -> str:
    kinds = schema.get("type", "any")
    kind = " or ".join(k for k in kinds if k != "null") if isinstance(kinds, list) else str(kinds)
    if schema.get("format") == "password" or schema.get("writeOnly"):
        return "secret"
    if kind == "array":
        return f"list of {type_text(schema.get('items', {}), definitions)}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"mapping to {type_text(schema['additionalProperties'], definitions)}"
    if kind == "object":
        return "mapping"
    limits = [text.format(schema[key]) for key, text in _LIMITS.items() if key in schema]
    return " ".join([kind, *limits])


def _default(required: bool, schema: Schema) -> str:  # noqa: FBT001 - the caller has just computed it
    if required:
        return "required"
    value = schema.get("default")
    return code(json.dumps(value, ensure_ascii=False)) if value not in (None, {}, []) else ""


def _placeholder(schema: Schema) -> bool:
    return str(schema.get("$ref", "")).endswith("/placeholder")


def _optional(schema: Schema) -> Schema:
    """Return what a value that may be left out is when it is there."""
    given = [s for s in schema.get("anyOf", ()) if s.get("type") != "null"]
    return given[0] if len(given) == 1 else schema


def _resolve(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref", "")
    if not reference and len(schema.get("allOf", ())) == 1:
        reference = schema["allOf"][0].get("$ref", "")
    return definitions.get(reference.rpartition("/")[2], schema) if reference else schema

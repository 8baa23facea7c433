"""The JSON Schema of OML, so that an editor completes and checks a pipeline while it is written.

JSON Schema 2020-12 (https://json-schema.org/draft/2020-12). It says what a schema can say: keys,
types, and each component's options, chosen by the step's `component`. References, cycles,
connections and SQL are for `osiris validate`.
"""

from typing import Any

from pydantic.errors import PydanticUserError

from osiris.compiler.component_source import BrokenComponentError, Registry, load
from osiris.compiler.manifest_writer import OML_VERSION
from osiris.compiler.param_declaration import PARAM_NAME
from osiris.compiler.param_type import PARAM_TYPES
from osiris.compiler.step_check import CONNECTION
from osiris.compiler.step_source import (
    INPUT_NAME,
    INPUT_VALUE,
    MAX_ATTEMPTS,
    MAX_BACKOFF,
    MAX_DELAY,
    STEP_ID,
)
from osiris.components.component import Component, Mode

_Schema = dict[str, Any]

_PLACEHOLDER = {
    "type": "string",
    "pattern": r"\$\{.+\}",
    "description": "${params.name}, filled in when the pipeline is compiled, or ${VARIABLE}, "
    "filled in when the step runs",
}
_DURATION = {
    "description": "seconds, or a text like 500ms, 30s, 5m, 1h",
    "type": ["number", "string"],
    "minimum": 0,
    "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$",
}
_SCALAR = {"type": ["string", "number", "boolean"]}
_ABOUT = frozenset({"title", "description", "default"})
_NESTED = ("items", "additionalProperties", "prefixItems", "anyOf", "oneOf", "allOf")


def modeline(schema: str) -> str:
    """Return the comment line that tells an editor's YAML language server where the schema is."""
    return f"# yaml-language-server: $schema={schema}"


def oml_schema(registry: Registry) -> _Schema:
    """Return the JSON Schema of OML with the options of each component.

    A component that cannot be loaded, or whose options have no schema, is left out.
    """
    definitions: _Schema = {"placeholder": _PLACEHOLDER, "duration": _DURATION, "param": _param()}
    choices: list[_Schema] = []
    for name in registry.names():
        try:
            component = load(registry, name)
            definitions.update(_definitions(component))
        except (BrokenComponentError, PydanticUserError):
            continue
        choices.append(_choice(component))
    definitions["step"] = _step(sorted(registry.names()), choices)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Osiris pipeline (OML {OML_VERSION})",
        "type": "object",
        "additionalProperties": False,
        "required": ["oml_version", "name", "steps"],
        "properties": {
            "oml_version": {"const": OML_VERSION, "description": "version of the language"},
            "name": {"type": "string", "minLength": 1, "description": "name of the pipeline"},
            "description": {"type": "string", "description": "what the pipeline is for"},
            "params": {
                "type": ["object", "null"],
                "description": "values that --param sets, used as ${params.name}",
                "propertyNames": {"pattern": f"^{PARAM_NAME.pattern}$"},
                "additionalProperties": {"$ref": "#/$defs/param"},
            },
            "steps": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}},
        },
        "$defs": definitions,
    }


def _param() -> _Schema:
    declaration = {
        "type": "object",
        "additionalProperties": False,
        "required": ["type"],
        "properties": {
            "type": {"enum": list(PARAM_TYPES)},
            "default": _SCALAR,
            "required": {"type": "boolean"},
            "enum": {"type": "array", "minItems": 1, "items": _SCALAR},
            "minimum": {"type": ["number", "string"]},
            "maximum": {"type": ["number", "string"]},
            "description": {"type": "string"},
        },
    }
    return {"anyOf": [_SCALAR, declaration], "description": "a default value, or a declaration"}


def _step(names: list[str], choices: list[_Schema]) -> _Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "component", "mode"],
        "not": {"required": ["needs", "inputs"]},
        "properties": {
            "id": {"type": "string", "pattern": STEP_ID},
            "component": {"enum": names, "description": "what the step does"},
            "mode": {"enum": list(Mode)},
            "config": {"type": "object", "description": "the component's options"},
            **_links(),
            "retry": _retry(),
            "timeout": {"$ref": "#/$defs/duration"},
        },
        "allOf": choices,
    }


def _links() -> _Schema:
    inputs = {
        "type": "object",
        "description": "input names and the tables they stand for: {df: ${step_id.df}}",
        "propertyNames": {"pattern": INPUT_NAME},
        "additionalProperties": {"type": "string", "pattern": INPUT_VALUE},
    }
    needs = {
        "type": "array",
        "uniqueItems": True,
        "items": {"type": "string", "pattern": STEP_ID},
        "description": "steps whose tables this one takes, or for which it waits",
    }
    return {"needs": needs, "inputs": inputs}


def _retry() -> _Schema:
    return {
        "type": "object",
        "description": "tries again after a transient error",
        "additionalProperties": False,
        "required": ["attempts"],
        "properties": {
            "attempts": {"type": "integer", "minimum": 1, "maximum": MAX_ATTEMPTS},
            "delay": {"$ref": "#/$defs/duration", "maximum": MAX_DELAY},
            "backoff": {"type": "number", "minimum": 1, "maximum": MAX_BACKOFF},
        },
    }


def _choice(component: Component) -> _Schema:
    """Return what holds for a step of this component."""
    config = {"$ref": f"#/$defs/{component.name}"}
    fields = component.config.model_fields.values()
    return {
        "if": {"properties": {"component": {"const": component.name}}, "required": ["component"]},
        "then": {
            "properties": {"mode": {"enum": sorted(component.modes)}, "config": config},
            "required": ["config"] if any(field.is_required() for field in fields) else [],
        },
    }


def _definitions(component: Component) -> _Schema:
    """Return the schema of a component's options and of what they are made of."""
    template = f"#/$defs/{component.name}.{{model}}"
    schema = component.config.model_json_schema(ref_template=template)
    nested = {f"{component.name}.{key}": item for key, item in schema.pop("$defs", {}).items()}
    if component.connection is not None:
        family = component.connection_family
        schema["properties"][CONNECTION] = {
            "type": "string",
            "pattern": rf"^@{family}(\.[A-Za-z0-9_-]+)?$|\$\{{.+\}}",
            "description": f"a connection of osiris_connections.yaml: @{family}.alias",
        }
        dropped = f"{component.name}.{component.connection.__name__}"
        nested.pop(dropped, None)
    schema["description"] = component.summary
    definitions = {component.name: schema, **nested}
    return {key: _or_placeholder(item) for key, item in definitions.items()}


def _or_placeholder(schema: Any) -> Any:
    """Let a placeholder stand for every value of an object that is not a text anyway."""
    if isinstance(schema, list):
        return [_or_placeholder(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: _or_placeholder(v) if key in _NESTED else v for key, v in schema.items()}
    if "properties" in made:
        made["properties"] = {
            name: _alternative(_or_placeholder(item)) for name, item in made["properties"].items()
        }
    return made


def _alternative(schema: _Schema) -> _Schema:
    if schema.get("type") == "string" and "enum" not in schema and "pattern" not in schema:
        return schema
    about = {key: value for key, value in schema.items() if key in _ABOUT}
    rest = {key: value for key, value in schema.items() if key not in _ABOUT}
    return {**about, "anyOf": [rest, {"$ref": "#/$defs/placeholder"}]}

"""The JSON Schema of OML, so that an editor completes and checks a pipeline while it is written."""

from typing import Any

from osiris.compiler.component_source import Registry


def modeline(schema: str) -> str:
    """Return the comment line that tells an editor's YAML language server where the schema is."""
    return f"# yaml-language-server: $schema={schema}"


def oml_schema(registry: Registry) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of OML with the configuration of each component."""
    raise NotImplementedError

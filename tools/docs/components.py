"""The reference of components: options, connection and examples of each."""

from typing import Any

import yaml

from osiris.components.component import Component, Example
from osiris.version import install_command
from tools.docs.markdown import page, prose
from tools.docs.package import OurComponents
from tools.docs.schema import options

_INTRODUCTION = """
A step names a component, and its `config` holds the options listed here; unknown options are
refused. `osiris components show NAME` prints the same, for components of other packages too.
"""


def render() -> str:
    """Write the page."""
    return page("Components", _INTRODUCTION, map(_section, OurComponents()))


def _section(component: Component) -> str:
    modes = ", ".join(f"`{mode}`" for mode in sorted(component.modes))
    facts = f"{component.summary} Modes: {modes}."
    if component.extra:
        facts += f" Needs `{install_command(component.extra)}`."
    schema = component.config.model_json_schema()
    parts = [f"## {component.name}", facts]
    if component.connection is not None:
        schema["properties"]["connection"] = {
            "type": "string",
            "description": f'A reference: `"@{component.connection_family}.alias"`, or '
            f'`"@{component.connection_family}"` for the default one.',
        }
    parts += ["### Options", options(schema)]
    if component.connection is not None:
        parts += [f"### Connection, below `connections: {component.connection_family}:`"]
        parts += [prose(component.connection)]
        parts += [options(component.connection.model_json_schema())]
    return "\n\n".join([*parts, "### Examples", *map(_example, component.examples)])


def _example(example: Example) -> str:
    text = yaml.dump({"config": example.config}, Dumper=_Dumper, sort_keys=False)
    return f"{example.title}:\n\n```yaml\n{text}```"


class _Dumper(yaml.SafeDumper):
    """Writes YAML as a person would: any script, blocks for text of several lines, no folding."""

    def __init__(self, stream: Any, **settings: Any) -> None:
        super().__init__(stream, **{**settings, "allow_unicode": True, "width": 1000})


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)

"""`osiris components`: which there are, and what one accepts."""

from dataclasses import asdict
from typing import Any

import click

from osiris.cli import completions, options
from osiris.cli.option_list import CHOICE, Option, option_list
from osiris.cli.screen import columns, document, harmless, result, styled
from osiris.cli.table import table, wrapped
from osiris.cli.yaml_text import yaml_lines
from osiris.compiler.problem import did_you_mean
from osiris.components.component import Component, Mode
from osiris.core.driver_registry import DriverRegistry, missing_dependency
from osiris.core.errors import ComponentError, OsirisError

_ORDER = list(Mode)
_PAGE = 100
"""Width of a page that is no terminal."""


@click.group(
    "components",
    epilog=options.epilog("osiris components list", "osiris components show mysql.extractor"),
)
def components_group() -> None:
    """List the installed components and explain one."""


@components_group.command(
    "list",
    short_help="List components: modes, and what they lack here.",
    epilog=options.epilog("osiris components list", "osiris components list --json"),
)
@options.as_json
def list_command(*, as_json: bool) -> int:
    """List every component: name, modes, whether it can run here, what it does.

    As JSON: {"components": [{"name", "modes", "summary", "extra", "missing", "install",
    "error"}]}.
    """
    registry = DriverRegistry()
    items = [_item(registry, name) for name in registry.components.names()]
    if as_json:
        document({"components": items})
        return 0
    rows = [
        (
            item["name"],
            ", ".join(item["modes"]),
            "broken" if item["error"] else "missing" if item["missing"] else "ready",
            harmless(item["summary"] or item["error"]["message"]),
        )
        for item in items
    ]
    for line in table(("COMPONENT", "MODES", "STATE", "SUMMARY"), rows, limit=columns()):
        result(line)
    for item in items:
        if item["missing"]:
            result(f"{item['name']} needs {', '.join(item['missing'])}: {item['install']}")
    return 0


@components_group.command(
    "show",
    short_help="Explain a component: options, connection, examples.",
    epilog=options.epilog(
        "osiris components show mysql.extractor",
        "osiris components show filesystem.csv_writer --json",
    ),
)
@click.argument("name", shell_complete=completions.components)
@options.as_json
def show_command(name: str, *, as_json: bool) -> int:
    """Explain the component NAME: its options, the fields of its connection, examples.

    As JSON: the item of `components list` with "driver", "packages", "options": [{"name", "type",
    "required", "default", "description"}], "connection": {"family", "fields"} or null, "examples"
    and "schema".
    """
    registry = DriverRegistry()
    if name not in registry.components:
        known = registry.components.names()
        raise ComponentError(
            f"there is no component {name!r}",
            hint=did_you_mean(name, known) or f"installed are: {', '.join(known)}",
        )
    component = registry.component(name)
    details = _details(component)
    item = _item(registry, name)
    if as_json:
        document(_as_data(item, component, details))
    else:
        _show(item, component, details)
    return 0


def _item(registry: DriverRegistry, name: str) -> dict[str, Any]:
    item: dict[str, Any] = {"name": name, "modes": [], "summary": None, "extra": None}
    try:
        component = registry.component(name)
        missing = registry.missing_packages(name)
    except OsirisError as error:
        return {**item, "missing": [], "install": None, "error": error.to_dict()}
    return {
        **item,
        "modes": sorted(component.modes, key=_ORDER.index),
        "summary": component.summary,
        "extra": component.extra,
        "missing": missing,
        "install": missing_dependency(component, missing).hint if missing else None,
        "error": None,
    }


def _details(component: Component) -> tuple[list[Option], list[Option]]:
    """Return the component's options and the fields of its connection."""
    return (
        [
            Option(
                "connection", "reference", component.needs_connection, None, _reference(component)
            )
            if option.name == "connection" and component.connection
            else option
            for option in option_list(component.config)
            if not (component.connection and option.name.startswith("connection."))
        ],
        option_list(component.connection) if component.connection else [],
    )


def _reference(component: Component) -> str:
    family = component.connection_family
    return f'"@{family}.ALIAS", or "@{family}" for the default one'


def _as_data(
    item: dict[str, Any], component: Component, details: tuple[list[Option], list[Option]]
) -> dict[str, Any]:
    own, fields = details
    connection = {
        "family": component.connection_family,
        "fields": [asdict(field) for field in fields],
    }
    return {
        **item,
        "driver": component.driver,
        "packages": list(component.packages),
        "options": [asdict(option) for option in own],
        "connection": connection if component.connection else None,
        "examples": [asdict(example) for example in component.examples],
        "schema": component.config.model_json_schema(),
    }


def _show(
    item: dict[str, Any], component: Component, details: tuple[list[Option], list[Option]]
) -> None:
    own, fields = details
    result(styled(component.name, "strong"))
    result(component.summary)
    result(f"modes: {', '.join(item['modes'])}")
    if item["missing"]:
        result(f"missing: {', '.join(item['missing'])}; {item['install']}")
    _show_options("Options (config:)", own)
    if component.connection:
        place = f"osiris_connections.yaml, connections: {component.connection_family}: ALIAS:"
        _show_options(f"Connection ({place})", fields)
    mode = item["modes"][0]
    for example in component.examples:
        result(f"\n{styled(example.title, 'strong')}")
        step = {"id": "my-step", "component": component.name, "mode": str(mode)}
        for line in yaml_lines([{**step, "config": example.config}], "  "):
            result(line)


def _show_options(title: str, found: list[Option]) -> None:
    result(f"\n{styled(title, 'strong')}")
    headers = ("  name", "type", "default", "meaning")
    rows = [(f"  {o.name}", *_type_and_meaning(o)) for o in found]
    for line in table(headers, wrapped(headers, rows, columns() or _PAGE)):
        result(line)


def _type_and_meaning(option: Option) -> tuple[str, str, str]:
    """Return type, default and meaning; many choices are named where there is room for them."""
    if CHOICE not in option.type:
        return option.type, option.default_text, option.description
    choices = f"one of {option.type.replace(CHOICE, ', ')}"
    return "choice", option.default_text, ". ".join(filter(None, (choices, option.description)))

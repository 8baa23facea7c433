"""The JSON Schema of OML agrees with the compiler as far as a schema can."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from osiris.compiler.oml_schema import modeline, oml_schema
from osiris.components.registry import ComponentRegistry
from tests.compiler.pipelines import HEAD, READ, SampleRegistry, compile_text
from tests.compiler.test_compiled_output import GOLDEN_SOURCE

EXAMPLES = Path(__file__).parents[2] / "examples"
SHOP = "steps:\n  - id: a\n    component: shop.extractor\n    mode: read\n    config: "


def errors(text: str, registry: Any = None) -> list[str]:
    validator = Draft202012Validator(oml_schema(registry or SampleRegistry()))
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


def test_it_is_a_schema() -> None:
    for registry in (SampleRegistry(), ComponentRegistry()):
        Draft202012Validator.check_schema(oml_schema(registry))


def test_every_installed_component_is_in_it() -> None:
    registry = ComponentRegistry()
    schema = oml_schema(registry)
    assert schema["$defs"]["step"]["properties"]["component"]["enum"] == registry.names()
    assert len(schema["$defs"]["step"]["allOf"]) == len(registry.names())
    for component in registry:
        assert schema["$defs"][component.name]["description"] == component.summary
        for example in component.examples:
            step = {"id": "a", "component": component.name, "mode": str(min(component.modes))}
            pipeline = {
                "oml_version": "0.1.0",
                "name": "x",
                "steps": [{**step, "config": example.config}],
            }
            assert errors(yaml.safe_dump(pipeline), registry) == []


@pytest.mark.parametrize("example", ["demo", "movies"])
def test_the_examples_are_valid(example: str) -> None:
    text = (EXAMPLES / example / "pipeline.yaml").read_text(encoding="utf-8")
    assert errors(text, ComponentRegistry()) == []


@pytest.mark.parametrize(
    "text",
    [
        GOLDEN_SOURCE.replace("{type: date}", "{type: date, default: x}"),
        HEAD + READ,
        f"{HEAD}{READ}    config: {{rows: '${{params.rows}}'}}\n",
        f"{HEAD}{READ}    config: {{rows: '${{ROWS:-3}}'}}\n",
        f"{HEAD}{SHOP}{{connection: '@shop', table: t, columns: [a, b], zero_dates: '${{Z}}'}}\n",
        f"{HEAD}{SHOP}{{connection: '@shop.${{params.env}}', table: t}}\n",
        f"{HEAD}params: {{a: 1, b: x, c: true, d: {{type: string, enum: [x]}}}}\n{READ}",
        f"{HEAD}{READ}    timeout: 30\n    retry: {{attempts: 2, delay: 1m}}\n",
    ],
)
def test_what_it_allows(text: str) -> None:
    assert errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "name: x\n" + READ,
        f"{HEAD}stepz: []\n{READ}",
        f"{HEAD}steps: []\n",
        "oml_version: 0.2.0\nname: x\n" + READ,
        f"{HEAD}steps: [{{id: a, component: rows.makr, mode: read}}]\n",
        f"{HEAD}steps: [{{id: a, component: rows.maker, mode: write}}]\n",
        f"{HEAD}steps: [{{id: a b, component: rows.maker, mode: read}}]\n",
        f"{HEAD}steps: [{{component: rows.maker, mode: read}}]\n",
        f"{HEAD}{READ}    confg: {{}}\n",
        f"{HEAD}{READ}    config: {{rows: many}}\n",
        f"{HEAD}{READ}    config: {{rwos: 1}}\n",
        f"{HEAD}{READ}    needs: a\n",
        f"{HEAD}{READ}    needs: [b]\n    inputs: {{df: '${{b.df}}'}}\n",
        f"{HEAD}{READ}    inputs: {{df: b}}\n",
        f"{HEAD}{READ}    timeout: soon\n",
        f"{HEAD}{READ}    retry: {{attempts: 0}}\n",
        f"{HEAD}{SHOP}{{table: t}}\n",
        f"{HEAD}{SHOP}{{connection: main, table: t}}\n",
        f"{HEAD}{SHOP}{{connection: {{user: x}}, table: t}}\n",
        f"{HEAD}steps: [{{id: w, component: file.writer, mode: write}}]\n",
        f"{HEAD}params: {{a: [1]}}\n{READ}",
        f"{HEAD}params: {{a: {{type: sting}}}}\n{READ}",
        f"{HEAD}params: {{a: {{default: x}}}}\n{READ}",
    ],
)
def test_what_it_refuses_the_compiler_refuses_too(text: str) -> None:
    assert errors(text) != []
    assert compile_text(text).problems != []


def test_the_modeline_of_an_editor() -> None:
    assert modeline("osiris.schema.json") == ("# yaml-language-server: $schema=osiris.schema.json")

"""`osiris components`, `osiris schema`, and the small texts they are made of."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from osiris.cli.option_list import option_list
from osiris.cli.yaml_text import yaml_lines
from osiris.components.registry import ComponentRegistry
from tests.cli.program import ROOT, Osiris

COMPONENTS = ["duckdb.processor", "filesystem.csv_extractor", "filesystem.csv_writer"]


def test_every_component_is_listed(sample: Osiris) -> None:
    done = sample("components", "list")
    assert (done.code, done.err) == (0, "")
    rows = {line.split()[0]: line for line in done.out.splitlines()[1:]}
    assert {*COMPONENTS, "mysql.extractor", "sample.source", "sample.sink"} <= rows.keys()
    assert rows["sample.mapper"].split()[1:3] == ["transform", "ready"]
    items = sample("components", "list", "--json").document["components"]
    assert [item["name"] for item in items] == list(rows)
    assert set(items[0]) == {"name", "modes", "summary", "extra", "missing", "install", "error"}


@pytest.fixture
def odd(osiris: Osiris, tmp_path: Path) -> Osiris:
    """The program with a component whose package is broken, and one that lacks a package."""
    (tmp_path / "lacking.py").write_text(
        "from osiris.components.component import Component, ComponentConfig, Mode\n"
        "class Config(ComponentConfig):\n    pass\n"
        "COMPONENT = Component('odd.lacking', frozenset({Mode.READ}), Config, 'x:Y', 'Lacks.',"
        " extra='odd', packages=('no_such_package',))\n"
    )
    info = tmp_path / "odd-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[osiris.components]\nodd.broken = no_such_module:X\nodd.lacking = lacking:COMPONENT\n"
    )
    return Osiris(osiris.cwd, {"PYTHONPATH": f"{tmp_path}:{ROOT}"})


def test_what_is_missing_is_said_with_the_command_that_brings_it(odd: Osiris) -> None:
    done = odd("components", "list")
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()[1:]]
    states = {row[0]: row[2] for row in reversed(rows) if row[2:]}  # below the table are hints
    assert states["odd.lacking"] == "missing"
    assert "odd.lacking needs no_such_package: pip install 'odd[odd]'" in done.out
    assert "No module named 'no_such_module'" in done.out
    items = {i["name"]: i for i in odd("components", "list", "--json").document["components"]}
    assert items["odd.lacking"]["install"] == "pip install 'odd[odd]'"
    assert items["odd.broken"]["error"]["code"] == "component.invalid"
    assert "pip install 'odd[odd]'" in odd("components", "show", "odd.lacking").out
    assert odd("components", "show", "odd.broken").code == 3


@pytest.mark.parametrize("name", [*COMPONENTS, "mysql.extractor"])
def test_show_explains_every_option_and_example(osiris: Osiris, name: str) -> None:
    done = osiris("components", "show", name)
    assert (done.code, done.err) == (0, "")
    assert all(len(line) <= 100 or "SELECT" in line for line in done.out.splitlines())
    component = ComponentRegistry()[name]
    shown = done.out
    for option in component.config.model_fields:
        assert f"\n  {option} " in shown
    for example in component.examples:
        assert f"\n{example.title}\n" in shown
        text = shown.partition(f"\n{example.title}\n")[2].partition("\n\n")[0]
        (step,) = yaml.safe_load(text)
        assert step["component"] == name
        assert step["config"] == example.config


def test_show_as_json(osiris: Osiris) -> None:
    document = osiris("components", "show", "mysql.extractor", "--json").document
    options = {option["name"]: option for option in document["options"]}
    assert options["connection"]["required"] is True
    assert options["tinyint1"] == {
        "name": "tinyint1",
        "type": "int8 | bool",
        "required": False,
        "default": "int8",
        "description": options["tinyint1"]["description"],
    }
    fields = {field["name"]: field for field in document["connection"]["fields"]}
    assert document["connection"]["family"] == "mysql"
    assert fields["password"]["type"] == "secret"
    assert fields["user"]["required"] is True
    assert fields["tls.mode"]["default"] == "preferred"
    assert document["schema"]["type"] == "object"
    assert not any(name.startswith("connection.") for name in options)


def test_an_unknown_component(osiris: Osiris) -> None:
    done = osiris("components", "show", "mysql.extracter")
    assert (done.code, done.out) == (3, "")
    assert "hint: did you mean 'mysql.extractor'?" in done.err


def test_the_schema_is_one_json_document(osiris: Osiris) -> None:
    document = osiris("schema").document
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document == osiris("schema", "--json").document


def test_every_option_has_a_type_in_words() -> None:
    for component in ComponentRegistry():
        for option in option_list(component.config):
            assert option.type not in {"", "any"}, (component.name, option.name)


_SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
_DATA = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(_DATA)
def test_what_is_written_as_yaml_reads_as_what_it_was(data: Any) -> None:
    assert yaml.safe_load("\n".join(yaml_lines(data)) + "\n") == data


@pytest.mark.parametrize(
    "data",
    [
        {"query": "SELECT 1\nFROM t\n"},
        {"query": "a\n\nb\n"},
        {"query": "a \nb\n"},
        {"query": "  indented\nb\n"},
        {"a": "x: y", "b": "- z", "c": "# d", "d": "e #f", "e": "Yes", "f": "1.5", "g": "0x1F"},
        [{"a": [1, [2, {"b": None}]]}, [], {}],
        {
            "nel": "a\x85b\n",
            "ls": "a\u2028b\n",
            "bom": "\ufeffx",
            "del": "\x7f",
            "far": "\U000e0001",
        },
        {".5": ".5", "": "", "a:": "b:", "[": "{"},
        {"when": "2024-01-01", "time": "12:30", "merge": "<<", "null": "~"},
    ],
)
def test_texts_that_look_like_something_else(data: Any) -> None:
    assert yaml.safe_load("\n".join(yaml_lines(data)) + "\n") == data

"""The reference has everything the code has, and a page that lies is found."""

from pathlib import Path

import pytest

from osiris.components.registry import ComponentRegistry
from osiris.core.errors import error_classes
from osiris.core.events import event_classes
from osiris.core.metrics import VARYING, MetricName
from osiris.parity.aspects import Aspect
from osiris.parity.may_differ import STATUS_IDENTITY
from tools.docs import components, errors, events, metrics, parity, run_directory
from tools.docs.__main__ import differences
from tools.docs.links import broken
from tools.docs.markdown import table
from tools.docs.schema import options


def test_every_event_metric_error_and_component_is_there() -> None:
    shown = events.render()
    ours = [n for n, cls in event_classes().items() if cls.__module__.startswith("osiris.")]
    assert all(f"\n## {name}\n" in shown for name in ours)
    assert "`rows_in` | `dict[str, int]`" in shown
    shown = metrics.render()
    assert all(f"| `{name}` |" in shown for name in MetricName)
    shown = errors.render()
    codes = [c for c, cls in error_classes().items() if cls.__module__.startswith("osiris.")]
    assert all(f"| `{code}` |" in shown for code in codes if code != "osiris.error")
    shown = components.render()
    names = [c.name for c in ComponentRegistry() if c.driver.startswith("osiris.")]
    assert all(f"\n## {name}\n" in shown for name in names)


def test_every_metric_has_its_sentence() -> None:
    assert set(metrics.meanings()) == {name.name for name in MetricName}


def test_names_of_the_run_directory_are_there() -> None:
    shown = run_directory.render()
    assert "| `status.json` |" in shown
    assert "| `artifacts/` |" in shown


def test_every_aspect_of_parity_and_all_that_may_differ_is_there() -> None:
    shown = parity.render()
    assert set(metrics.meanings(Aspect)) == {aspect.name for aspect in Aspect}
    assert all(f"| {aspect.title} |" in shown for aspect in Aspect)
    names = [*VARYING, *STATUS_IDENTITY, "session_initialized.jobs", "sandbox_", "commands.jsonl"]
    assert all(f"`{name}`" in shown for name in names)


def test_a_secret_is_called_one_and_inner_options_are_dotted() -> None:
    shown = components.render()
    assert "| `password` | secret |" in shown
    assert "| `tls.mode` | `disabled`," in shown
    assert '`"@mysql.alias"`' in shown


def test_options_of_every_kind() -> None:
    schema = {
        "required": ["a"],
        "properties": {
            "a": {"type": "integer", "minimum": 1, "description": "a | b"},
            "b": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
            "c": {"type": "array", "items": {"$ref": "#/$defs/C"}, "default": []},
            "d": {"type": "object", "additionalProperties": {"type": "number"}},
        },
        "$defs": {"C": {"enum": ["x", "y"], "type": "string"}},
    }
    assert options(schema).splitlines()[2:] == [
        "| `a` | integer ≥ 1 | required | a \\| b |",
        "| `b` | string |  |  |",
        "| `c` | list of `x`, `y` |  |  |",
        "| `d` | mapping to number |  |  |",
    ]


def test_a_table_keeps_its_shape() -> None:
    assert table(("a",), [("one\ntwo | three",)]) == "| a |\n| --- |\n| one two \\| three |"


@pytest.mark.parametrize(
    "there,said",
    [
        ({"a.md": "A\n"}, []),
        ({}, ["a.md is missing"]),
        ({"a.md": "B\n"}, ["a.md differs from the code"]),
        ({"a.md": "A\n", "b.md": ""}, ["b.md has no source"]),
    ],
)
def test_a_page_that_lies_is_found(tmp_path: Path, there: dict[str, str], said: list[str]) -> None:
    for name, text in there.items():
        (tmp_path / name).write_text(text)
    assert differences(tmp_path, {"a.md": "A\n"}) == said


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("[b](b.md) [web](https://x.org/b.md) [here](#part)\n")
    (tmp_path / "README.md").write_text("x\n[a](docs/a.md#part)\n")
    assert list(broken(tmp_path)) == ["docs/a.md:1: b.md is not there"]

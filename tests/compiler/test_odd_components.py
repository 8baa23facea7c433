"""A third party's component may be odd: the compiler says so and does not fall over."""

import decimal
from collections.abc import Iterator
from typing import Any, Self

import pytest
from pydantic import ConfigDict, model_validator

from osiris.compiler.compile_source import CompileResult, compile_source
from osiris.compiler.oml_schema import oml_schema
from osiris.components.component import Component, ComponentConfig, Connection, Mode

CONNECTIONS = b"connections: {odd: {sound: {port: 1}, open: {port: '${PORT}'}, broken: {}}}"


class OddConnection(Connection):
    port: int


class CrashingConfig(ComponentConfig):
    connection: OddConnection
    size: str = "1"

    @model_validator(mode="after")
    def _crashes(self) -> Self:
        if self.connection.port > 5 or decimal.Decimal(self.size) < 0:
            msg = "too much"
            raise ValueError(msg)
        return self


class Strange:
    """A type that JSON Schema knows nothing of."""


class StrangeConfig(ComponentConfig):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    strange: Strange | None = None


COMPONENTS = {
    name: Component(name, frozenset({Mode.READ}), config, "x:X", "An odd one.")
    for name, config in (("odd.crashing", CrashingConfig), ("odd.strange", StrangeConfig))
}


class OddRegistry:
    def names(self) -> list[str]:
        return list(COMPONENTS)

    def __contains__(self, name: str) -> bool:
        return name in COMPONENTS

    def __getitem__(self, name: str) -> Component:
        return COMPONENTS[name]

    def __iter__(self) -> Iterator[Component]:
        return iter(COMPONENTS.values())


def compile_odd(component: str, config: str) -> CompileResult:
    text = f"""\
oml_version: 0.1.0
name: odd
steps:
  - {{id: a, component: {component}, mode: read, config: {config}}}
"""
    return compile_source(
        text.encode(),
        filename="p.yaml",
        connections=(CONNECTIONS, "c.yaml"),
        params={},
        registry=OddRegistry(),
    )


def messages(result: CompileResult) -> list[Any]:
    return [(problem.path, problem.message) for problem in result.problems]


def test_a_validator_that_crashes_is_reported_at_the_config() -> None:
    found = messages(compile_odd("odd.crashing", "{connection: '@odd.sound', size: zzz}"))
    assert found == [
        ("steps[0].config", "odd.crashing could not check its options: InvalidOperation")
    ]


def test_a_validator_that_crashes_on_what_is_not_known_yet_is_no_mistake() -> None:
    assert messages(compile_odd("odd.crashing", "{connection: '@odd.open'}")) == []
    assert messages(compile_odd("odd.crashing", "{connection: '@odd.sound', size: '${S}'}")) == []


def test_a_broken_connection_is_reported_and_not_the_crash_it_causes() -> None:
    found = messages(compile_odd("odd.crashing", "{connection: '@odd.broken'}"))
    assert found == [("connections.odd.broken.port", "a connection of odd needs the option 'port'")]


@pytest.mark.parametrize("config", ["{}", "{strange: ~}"])
def test_options_without_a_json_schema_are_reported(config: str) -> None:
    found = messages(compile_odd("odd.strange", config))
    assert len(found) == 1
    assert found[0][0] == "steps[0].component"
    assert "have no JSON Schema" in found[0][1]


def test_the_schema_of_oml_leaves_such_a_component_out() -> None:
    definitions = oml_schema(OddRegistry())["$defs"]
    assert "odd.crashing" in definitions
    assert "odd.strange" not in definitions

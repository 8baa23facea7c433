"""What the sample components accept."""

from typing import Literal

from pydantic import Field, SecretStr

from osiris.components.component import Component, ComponentConfig, Connection, Mode

Fault = Literal["none", "config", "transient", "data", "crash", "exit", "disk_full"]


class SampleConnection(Connection):
    """Somewhere that needs a token."""

    host: str = "sample.invalid"
    token: SecretStr


class Misbehaviour(ComponentConfig):
    """How a sample component goes wrong.

    `fault` is raised after `fault_after` rows, in the first `fault_times` tries; `counter` is a
    file in which tries are counted.
    """

    fault: Fault = "none"
    fault_after: int = Field(default=0, ge=0)
    fault_times: int = 1_000_000
    counter: str | None = None
    delay: float = Field(default=0.0, ge=0)
    deaf: bool = False


class SourceConfig(Misbehaviour):
    """How many rows to make, in batches of how many."""

    rows: int = Field(default=10, ge=0)
    batch_rows: int = Field(default=3, ge=1)
    pandas: bool = False


class SecretSourceConfig(SourceConfig):
    """A source behind a connection."""

    connection: SampleConnection


class MapperConfig(Misbehaviour):
    """Passes its inputs on, one after another; `take` stops after so many rows of each."""

    take: int | None = None


class SinkConfig(Misbehaviour):
    """Counts what it is handed; `claims` is added to the count it reports."""

    claims: int = 0
    stops_after: int | None = None


SOURCE = Component(
    name="sample.source",
    modes=frozenset({Mode.READ}),
    config=SourceConfig,
    driver="osiris_sample.drivers:SampleSourceDriver",
    summary="Makes rows.",
)
SECRET_SOURCE = Component(
    name="sample.secret_source",
    modes=frozenset({Mode.READ}),
    config=SecretSourceConfig,
    driver="osiris_sample.drivers:SampleSecretSourceDriver",
    summary="Makes rows behind a token, and tells the token to everyone.",
)
MAPPER = Component(
    name="sample.mapper",
    modes=frozenset({Mode.TRANSFORM}),
    config=MapperConfig,
    driver="osiris_sample.drivers:SampleMapperDriver",
    summary="Passes rows on.",
)
SINK = Component(
    name="sample.sink",
    modes=frozenset({Mode.WRITE}),
    config=SinkConfig,
    driver="osiris_sample.drivers:SampleSinkDriver",
    summary="Takes rows away.",
)

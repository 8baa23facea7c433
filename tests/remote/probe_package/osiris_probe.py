"""A third party's component in one module: a source whose driver does what a test asks for."""

import logging
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pydantic import SecretStr

from osiris.components.component import Component, ComponentConfig, Connection, Mode
from osiris.core.driver import DriverContext
from osiris.core.stream import TableStream


class ProbeConnection(Connection):
    """Somewhere on the network, perhaps, behind a token."""

    host: str | None = None
    port: int = 1
    token: SecretStr | None = None

    def hosts(self) -> list[tuple[str, int]]:
        """Return the host, if there is one."""
        return [] if self.host is None else [(self.host, self.port)]


class ProbeConfig(ComponentConfig):
    """The Python code to run; what it puts into `rows` is the table."""

    code: str


class ConnectedProbeConfig(ProbeConfig):
    """The same with a connection."""

    connection: ProbeConnection


class ProbeSourceDriver:
    """Runs the code."""

    def run(
        self,
        *,
        step_id: str,
        config: ProbeConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Run the code with `config`, `ctx` and `log`; return its rows, one text each."""
        del inputs
        names: dict[str, Any] = {
            "config": config,
            "ctx": ctx,
            "log": logging.getLogger("probe"),
            "rows": [step_id],
        }
        exec(config.code, names)  # noqa: S102 - a test's own code
        return {"df": pa.table({"text": pa.array([str(row) for row in names["rows"]])})}


class ProbeRemoteDriver(ProbeSourceDriver):
    """The same for the component with a connection."""


SOURCE = Component(
    name="probe.source",
    modes=frozenset({Mode.READ}),
    config=ProbeConfig,
    driver="osiris_probe:ProbeSourceDriver",
    summary="Runs Python code.",
)
REMOTE = Component(
    name="probe.remote",
    modes=frozenset({Mode.READ}),
    config=ConnectedProbeConfig,
    driver="osiris_probe:ProbeRemoteDriver",
    summary="Runs Python code with a connection.",
)

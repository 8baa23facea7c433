"""The driver of `postgres.extractor`: one query in a read-only snapshot, streamed as batches."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris.components.postgres_connection import PostgresConnection
from osiris.components.postgres_extractor import PostgresExtractorConfig
from osiris.core.discovery import Found, Wanted
from osiris.core.driver import DriverContext
from osiris.core.stream import TableStream
from osiris.drivers.postgres import discovery
from osiris.drivers.postgres.read_stream import read_stream
from osiris.drivers.postgres.rights import check_rights


class PostgresExtractorDriver:
    """Reads a table or a query; the rows come while the server still sends them."""

    def run(
        self,
        *,
        step_id: str,
        config: PostgresExtractorConfig,
        inputs: Mapping[str, TableStream],  # noqa: ARG002 - a read step has none
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Connect, run the query and return its rows as they come.

        Raises `ConfigError`, `TransientStepError`, `DataError` or `SystemStepError`, here and
        while the rows are read.
        """
        return {"df": read_stream(config.connection, config, step_id, ctx)}

    def check_connection(self, connection: PostgresConnection, base_dir: Path) -> None:
        """Log in and look what the user may do (`osiris.core.driver.ConnectionChecker`)."""
        check_rights(connection, base_dir)

    def discover(self, connection: PostgresConnection, wanted: Wanted) -> Found:
        """Say which tables the user may see (`osiris.core.discovery.Discoverer`)."""
        return discovery.discover(connection, wanted)

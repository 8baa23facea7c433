"""The driver of `supabase.extractor`: what `postgres.extractor` does, in a project's database."""

from collections.abc import Mapping
from typing import Any

from osiris.components.supabase_extractor import SupabaseExtractorConfig
from osiris.components.supabase_writer import SupabaseConnection
from osiris.core.discovery import Found, Wanted
from osiris.core.driver import DriverContext
from osiris.core.errors import ConfigError
from osiris.core.stream import TableStream
from osiris.drivers.postgres import discovery
from osiris.drivers.postgres.read_stream import read_stream


class SupabaseExtractorDriver:
    """Reads a table or a query of a project; the rows come while the server still sends them."""

    def run(
        self,
        *,
        step_id: str,
        config: SupabaseExtractorConfig,
        inputs: Mapping[str, TableStream],  # noqa: ARG002 - a read step has none
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Connect, run the query and return its rows as they come.

        Raises `ConfigError`, `TransientStepError`, `DataError` or `SystemStepError`, here and
        while the rows are read.
        """
        return {"df": read_stream(config.connection.postgres(), config, step_id, ctx)}

    def discover(self, connection: SupabaseConnection, wanted: Wanted) -> Found:
        """Say which tables the user may see (`osiris.core.discovery.Discoverer`)."""
        if connection.over_rest:
            raise ConfigError(
                "over REST it cannot be found out which tables there are",
                hint="set host, user and password of the project's database in the connection",
            )
        return discovery.discover(connection.postgres(), wanted)

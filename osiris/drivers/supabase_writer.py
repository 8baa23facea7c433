"""The driver of `supabase.writer`: through PostgreSQL where there is a host, else over REST."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris.components.supabase_writer import SupabaseConnection, SupabaseWriterConfig
from osiris.core.cancel import CancelToken
from osiris.core.driver import DriverContext
from osiris.core.stream import TableStream
from osiris.drivers.postgres.connect import connect
from osiris.drivers.postgres.rights import check_rights
from osiris.drivers.postgres.write_stream import write_stream
from osiris.drivers.relational.table_write import TableWriteStep, write_table
from osiris.drivers.supabase.rest_client import RestClient
from osiris.drivers.supabase.rest_transaction import RestTransaction


class SupabaseWriterDriver:
    """Writes its one input into a table of a project."""

    def run(
        self,
        *,
        step_id: str,
        config: SupabaseWriterConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write the table and return `{"rows_written": rows}`.

        Raises a `StepError`. Through PostgreSQL the table is as it was then; over REST the message
        says what is in it. A transient failure may be tried again.
        """
        (stream,) = inputs.values()
        step = TableWriteStep(step_id, config, ctx)
        if not config.connection.over_rest:
            return {"rows_written": write_stream(config.connection.postgres(), stream, step)}
        with (
            RestClient(config.connection, config.schema, ctx.cancelled) as client,
            RestTransaction(client, config, ctx.spill_dir) as transaction,
        ):
            return {"rows_written": write_table(stream, step, transaction)}

    def check_connection(self, connection: SupabaseConnection, base_dir: Path) -> None:
        """Log in and look what the user may do, or ask the API (`ConnectionChecker`)."""
        if connection.over_rest:
            with RestClient(connection, None, CancelToken(), tries=1) as client:
                client.describe()
        else:
            settings = connection.postgres()
            connect(settings, base_dir=base_dir, cancelled=CancelToken()).close()
            check_rights(settings, base_dir)

"""The driver of `postgres.writer`: Arrow batches by COPY BINARY, in one transaction."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris.components.postgres_connection import PostgresConnection
from osiris.components.postgres_writer import PostgresWriterConfig
from osiris.core.cancel import CancelToken
from osiris.core.driver import DriverContext
from osiris.core.stream import TableStream
from osiris.drivers.postgres.connect import connect
from osiris.drivers.postgres.rights import check_rights
from osiris.drivers.postgres.write_stream import write_stream
from osiris.drivers.relational.table_write import TableWriteStep


class PostgresWriterDriver:
    """Writes its one input into a table."""

    def run(
        self,
        *,
        step_id: str,
        config: PostgresWriterConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write the table and return `{"rows_written": rows}`.

        Raises `ConfigError`, `DataError`, `TransientStepError` or `SystemStepError`; the table is
        as it was then, and a transient failure may be tried again.
        """
        (stream,) = inputs.values()
        step = TableWriteStep(step_id, config, ctx)
        return {"rows_written": write_stream(config.connection, stream, step)}

    def check_connection(self, connection: PostgresConnection, base_dir: Path) -> None:
        """Log in and look what the user may do (`osiris.core.driver.ConnectionChecker`)."""
        connect(connection, base_dir=base_dir, cancelled=CancelToken()).close()
        check_rights(connection, base_dir)

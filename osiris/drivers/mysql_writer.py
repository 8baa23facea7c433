"""The driver of `mysql.writer`: one table, written from the stream in one transaction."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osiris.components.mysql_extractor import MySQLConnection
from osiris.components.mysql_writer import MySQLWriterConfig
from osiris.core.driver import DriverContext
from osiris.core.stream import TableStream
from osiris.drivers.mysql.rights import check_rights
from osiris.drivers.mysql.stages import drop_stage
from osiris.drivers.mysql.write_session import WriteSession
from osiris.drivers.mysql.write_transaction import MySQLTransaction
from osiris.drivers.relational.table_write import TableWriteStep, write_table


class MySQLWriterDriver:
    """Writes its input into one table; the rows go out while they still come in."""

    def run(
        self,
        *,
        step_id: str,
        config: MySQLWriterConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write the step's only input and commit; return the rows written.

        Raises `ConfigError`, `DataError`, `TransientStepError` or `SystemStepError`; the table is
        as it was then.
        """
        (stream,) = inputs.values()
        step = TableWriteStep(step_id, config, ctx)
        transaction: MySQLTransaction | None = None
        try:
            with WriteSession(
                config.connection,
                base_dir=ctx.base_dir,
                cancelled=ctx.cancelled,
                lock_seconds=math.ceil(config.lock_timeout),
            ) as session:
                transaction = MySQLTransaction(session, config, stream.schema)
                return {"rows_written": write_table(stream, step, transaction)}
        finally:
            if transaction is not None and transaction.staged:
                drop_stage(config.connection, ctx.base_dir, transaction.place)

    def check_connection(self, connection: MySQLConnection, base_dir: Path) -> None:
        """Log in and look what the user may do (`osiris.core.driver.ConnectionChecker`)."""
        check_rights(connection, base_dir)

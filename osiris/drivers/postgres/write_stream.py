"""Writing a step's input into a PostgreSQL table, for every component that does."""

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.stream import TableStream
from osiris.drivers.postgres.table_transaction import PostgresTransaction
from osiris.drivers.postgres.write_session import WriteSession
from osiris.drivers.relational.table_write import TableWriteStep, write_table


def write_stream(settings: PostgresConnection, stream: TableStream, step: TableWriteStep) -> int:
    """Write the whole stream in one transaction; return the rows written.

    Raises a `StepError`; the table is then as it was.
    """
    config = step.config
    with (
        WriteSession(
            settings,
            base_dir=step.ctx.base_dir,
            cancelled=step.ctx.cancelled,
            lock_timeout=config.lock_timeout,
        ) as session,
        PostgresTransaction(session, config) as transaction,
    ):
        return write_table(stream, step, transaction)

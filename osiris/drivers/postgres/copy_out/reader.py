"""Reading the rows of one query as Arrow record batches, from connecting to the last row."""

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import DataError, OsirisError, StepError
from osiris.drivers.postgres.copy_out.catalog import look_up, money_scale
from osiris.drivers.postgres.copy_out.columns import Column, Option, columns_of, unknown_types
from osiris.drivers.postgres.copy_out.rows import Choice, RowDecoder
from osiris.drivers.postgres.copy_out.statement import copy_statement, without_end
from osiris.drivers.postgres.errors import out_of_step
from osiris.drivers.postgres.wire.messages import MalformedMessageError
from osiris.drivers.postgres.wire.receive import BUFFER_BYTES, Receiver
from osiris.drivers.postgres.wire.session import (
    begin_copy,
    begin_read_only,
    describe,
    end_copy,
    rows,
    send_copy,
)
from osiris.drivers.postgres.wire.start_up import open_wire
from osiris.drivers.postgres.wire.stop import stop_statement
from osiris.drivers.postgres.wire.wire import Wire


@dataclass(frozen=True)
class ReadOptions:
    """How values are read, and how a connection is made.

    Attributes:
        infinite_dates: what becomes of dates and times that Arrow's readers cannot take.
        numeric_nan: what becomes of NaN in a numeric of declared precision.
        base_dir: directory that paths in the connection's TLS settings are relative to.
        buffer_bytes: room for the rows of one block.
        cancelled: whoever switches it stops the reading.

    """

    infinite_dates: Choice = "null"
    numeric_nan: Choice = "null"
    base_dir: Path = Path()
    buffer_bytes: int = BUFFER_BYTES
    cancelled: CancelToken = field(default_factory=CancelToken)

    @property
    def choices(self) -> dict[Option, Choice]:
        """The choices by the name of their option."""
        return {"infinite_dates": self.infinite_dates, "numeric_nan": self.numeric_nan}


class Session:
    """A connection in a read-only transaction; where it fails, it is closed and stopped.

    Attributes:
        receiver: the connection.
        settings: how it was made.
        options: how values are read.

    """

    def __init__(
        self, settings: PostgresConnection, options: ReadOptions, snapshot: str | None = None
    ) -> None:
        """Connect and begin; with a `snapshot`, of the state that another transaction exported.

        Raises `StepError` with the subclass that says whose fault it is, or the reason of
        `options.cancelled`.
        """
        self.settings = settings
        self.options = options
        self.receiver = open_wire(
            settings,
            base_dir=options.base_dir,
            cancelled=options.cancelled,
            buffer_bytes=options.buffer_bytes,
        )
        with self.guarded():
            begin_read_only(self.receiver, snapshot, chosen=settings.options.keys())

    @contextlib.contextmanager
    def guarded(self) -> Iterator[Receiver]:
        """Close the connection when what is done with it fails, and tell why."""
        wire = self.receiver.wire
        try:
            with _protocol_of(wire):
                yield self.receiver
        except BaseException as error:
            wire.close(idle=False)
            ours = isinstance(error, DataError) or not isinstance(error, StepError)
            if ours or self.options.cancelled.is_set():
                # The server knows nothing of it and may go on for long.
                stop_statement(self.settings, self.options.base_dir, wire.key)
            raise

    def close(self) -> None:
        """End the transaction, so that a pooler can use the connection again, and close."""
        with contextlib.suppress(OsirisError, MalformedMessageError):
            rows(self.receiver, "ROLLBACK")
        self.receiver.wire.close(idle=True)

    def columns(self, query: str) -> list[Column]:
        """Return the columns of a query, and how each is read."""
        with self.guarded() as receiver:
            fields = describe(receiver, query)
            types = look_up(receiver, unknown_types(fields))
            return columns_of(fields, types, money_scale(receiver, fields, types))


class QueryReader:
    """One query in its own connection and read-only snapshot; iterate over `batches` once.

    Attributes:
        schema: the Arrow schema of the result.
        lost: values read as NULL because no Arrow value stands for them, by column and
            option; counted while reading.

    """

    def __init__(
        self,
        session: Session,
        query: str,
        *,
        columns: list[Column] | None = None,
        condition: str | None = None,
        unread: int = 0,
    ) -> None:
        """Run the query, or those of its rows that fulfil `condition`; waits for no row.

        `columns` are those of `Session.columns`, when they are known, but for the last `unread`.
        Raises as `Session` does.
        """
        self._session = session
        query = without_end(query)
        columns = columns or session.columns(query)
        self._decoder = RowDecoder(columns, session.options.choices)
        self.schema = self._decoder.schema
        self.lost = self._decoder.lost
        with session.guarded() as receiver:
            send_copy(receiver, copy_statement(query, columns, condition, unread=unread))

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """Yield the rows; closes the connection at the end, or when the iteration is given up.

        Raises as `Session` does, and `DataError` for a value that cannot be read.
        """
        with self._session.guarded() as receiver:
            begin_copy(receiver)
            for block in receiver.blocks(len(self.schema)):
                yield from self._decoder.batches(block)
            self._decoder.check_end()
            end_copy(receiver)
        self._session.close()


@contextlib.contextmanager
def _protocol_of(wire: Wire) -> Iterator[None]:
    try:
        yield
    except MalformedMessageError as error:
        wire.cancelled.raise_if_set()
        raise out_of_step(wire.where, str(error)) from error

"""Reading the rows of one query as Arrow record batches, from connecting to the last row."""

import contextlib
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow as pa

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import ConfigError, DataError, StepError
from osiris.drivers.mysql.columns import columns_of
from osiris.drivers.mysql.connect import Wire, open_wire
from osiris.drivers.mysql.errors import out_of_step
from osiris.drivers.mysql.protocol import ERR, MalformedPacketError, more_results
from osiris.drivers.mysql.receive import BUFFER_BYTES, Receiver
from osiris.drivers.mysql.rows import BINARY_MARKER, RowDecoder
from osiris.drivers.mysql.session import begin_together, prepare_reading
from osiris.drivers.mysql.statement import query
from osiris.drivers.mysql.stop_query import stop_query


@dataclass(frozen=True)
class ReadOptions:
    """How values are read, and how a connection is made.

    Attributes:
        tinyint1: type of TINYINT(1).
        zero_dates: what becomes of dates that are none: NULL, or an error.
        base_dir: directory that paths in the connection's TLS settings are relative to.
        buffer_bytes: room for the rows of one block.
        deprecate_eof: whether to agree on results that end with an OK packet.
        cancelled: whoever switches it stops the reading.
        lock_seconds: how long to wait for the lock under which ranges begin together.

    """

    tinyint1: Literal["int8", "bool"] = "int8"
    zero_dates: Literal["null", "error"] = "null"
    base_dir: Path = Path()
    buffer_bytes: int = BUFFER_BYTES
    deprecate_eof: bool = True
    cancelled: CancelToken = field(default_factory=CancelToken)
    lock_seconds: int = 10


class QueryReader:
    """One query in its own connection and read-only snapshot; iterate over `batches` once.

    Attributes:
        schema: the Arrow schema of the result.
        no_dates: dates read as NULL because they are none, by column; counted while reading.

    """

    def __init__(
        self,
        connection: MySQLConnection,
        sql: str,
        options: ReadOptions,
        *,
        begun: Receiver | None = None,
    ) -> None:
        """Run the query, in a new connection or in one that has `begun`; waits for no row.

        Raises `StepError` with the subclass that says whose fault it is, or the reason of
        `options.cancelled`.
        """
        self._settings = connection
        self._sql = sql
        self._options = options
        self._receiver = begun or open_session(connection, options)
        self._wire = self._receiver.wire
        try:
            with protocol_of(self._wire):
                if begun is None:
                    begin_together([self._receiver])
                result = query(self._receiver, sql)
                columns = columns_of(result.definitions, tinyint1=options.tinyint1)
        except BaseException as error:
            self._give_up(error)
            raise
        self._marker = BINARY_MARKER if result.binary else None
        self._decoder = RowDecoder(columns, binary=result.binary, zero_dates=options.zero_dates)

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the result."""
        return self._decoder.schema

    @property
    def no_dates(self) -> Counter[str]:
        """Dates read as NULL so far because they are none, by column."""
        return self._decoder.no_dates

    def batches(self) -> Generator[pa.RecordBatch, None, None]:
        """Yield the rows; closes the connection at the end, or when the iteration is given up.

        Raises as the constructor does, and `DataError` for a value that cannot be read.
        """
        try:
            with protocol_of(self._wire):
                for block in self._receiver.blocks(marker=self._marker):
                    yield from self._decoder.batches(block)
                self._check_end()
        except BaseException as error:
            self._give_up(error)
            raise
        self._wire.close(idle=True)

    def _check_end(self) -> None:
        last = self._receiver.last
        if last[0] == ERR:
            raise self._receiver.refusal(last)
        if more_results(last):
            raise ConfigError(
                "the statement returns more than one result",
                hint="write one query that returns one result",
            )

    def _give_up(self, error: BaseException) -> None:
        self._wire.close(idle=False)
        ours = isinstance(error, DataError) or not isinstance(error, StepError)
        if ours or self._options.cancelled.is_set():
            # The server knows nothing of it and may go on for long.
            stop_query(self._settings, self._options.base_dir, self._wire.thread_id, self._sql)


def open_session(connection: MySQLConnection, options: ReadOptions) -> Receiver:
    """Connect and set the session up for reading; its transaction is not begun."""
    wire = open_wire(
        connection,
        base_dir=options.base_dir,
        cancelled=options.cancelled,
        deprecate_eof=options.deprecate_eof,
    )
    receiver = Receiver(wire, options.buffer_bytes)
    try:
        with protocol_of(wire):
            prepare_reading(receiver)
    except BaseException:
        wire.close(idle=False)
        raise
    return receiver


@contextlib.contextmanager
def protocol_of(wire: Wire) -> Iterator[None]:
    """Raise the step's error for bytes that do not follow the protocol."""
    try:
        yield
    except MalformedPacketError as error:
        wire.cancelled.raise_if_set()
        raise out_of_step(wire.where, str(error)) from error


def read_query(
    connection: MySQLConnection, sql: str, options: ReadOptions
) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """Run a query and return its schema and its rows; see `QueryReader`."""
    reader = QueryReader(connection, sql, options)
    return reader.schema, reader.batches()

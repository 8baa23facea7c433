"""Several small queries over one connection, in one read-only snapshot, each in bounded time."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pyarrow as pa

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import ConfigError, DataError, StepError
from osiris.drivers.mysql.columns import columns_of
from osiris.drivers.mysql.connect import open_wire
from osiris.drivers.mysql.errors import out_of_step
from osiris.drivers.mysql.protocol import ERR, MalformedPacketError
from osiris.drivers.mysql.receive import Receiver
from osiris.drivers.mysql.rows import BINARY_MARKER, RowDecoder
from osiris.drivers.mysql.session import begin_read_only, scalar
from osiris.drivers.mysql.statement import Result, forget, query, run
from osiris.drivers.mysql.stop_query import stop_query

# A quote is doubled in a literal and that is all; the rest of the mode stays the server's.
_PLAIN_LITERALS: Final = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_BACKSLASH_ESCAPES')"
_log: Final = logging.getLogger(__name__)


class Lookup:
    """An open session; a context manager that closes it.

    Args:
        connection: where to log in.
        base_dir: directory that paths in its TLS settings are relative to.
        seconds: how long a statement may take before the server stops it.
        cancelled: whoever switches it ends the session, and what runs in it on the server.

    """

    def __init__(
        self,
        connection: MySQLConnection,
        *,
        base_dir: Path,
        seconds: float,
        cancelled: CancelToken,
    ) -> None:
        self._settings, self._base_dir, self._cancelled = connection, base_dir, cancelled
        self._sql = ""
        self._wire = open_wire(connection, base_dir=base_dir, cancelled=cancelled)
        self._receiver = Receiver(self._wire)
        try:
            with self._protocol():
                run(self._receiver, _PLAIN_LITERALS)
                self._limit(seconds)
                begin_read_only(self._receiver)
        except BaseException:
            self._wire.close(idle=False)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wire.close(idle=error is None)
        if self._cancelled.is_set() and self._sql:
            # The server knows nothing of it and may go on for long.
            stop_query(self._settings, self._base_dir, self._wire.thread_id, self._sql)

    def table(self, sql: str) -> pa.Table:
        """Run a query and return all its rows; the session can be used on after a `StepError`.

        Raises the server's error, and `DataError` for a value that cannot be read.
        """
        self._sql = sql
        with self._protocol():
            result = query(self._receiver, sql)
            found = self._all(result)
            forget(self._receiver, result)
        self._sql = ""
        return found

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and return its rows as Python values, in the order of its columns."""
        columns = [column.to_pylist() for column in self.table(sql).columns]
        return list(zip(*columns, strict=True))

    def usable(self) -> bool:
        """Tell whether the server still answers in this session."""
        try:
            return self.rows("SELECT 1") == [(1,)]
        except StepError:
            return False

    def _all(self, result: Result) -> pa.Table:
        problem: StepError | None = None
        decoder: RowDecoder | None = None
        try:
            columns = columns_of(result.definitions, tinyint1="int8")
            decoder = RowDecoder(columns, binary=result.binary, zero_dates="null")
        except ConfigError as error:
            problem = error
        batches: list[pa.RecordBatch] = []
        for block in self._receiver.blocks(marker=BINARY_MARKER if result.binary else None):
            if decoder is None or problem is not None:
                continue  # read on to the end, so that the next query can follow
            try:
                batches += decoder.batches(block)
            except DataError as error:
                problem = error
        if self._receiver.last[0] == ERR:
            raise self._receiver.refusal(self._receiver.last)
        if problem is not None or decoder is None:
            raise problem or DataError("the result cannot be read")
        return pa.Table.from_batches(batches, schema=decoder.schema)

    def _limit(self, seconds: float) -> None:
        """Have the server stop statements that take longer, where it can."""
        version = scalar(self._receiver, "SELECT VERSION()") or ""
        maria = "mariadb" in version.lower()
        limit = f"max_statement_time = {seconds:g}" if maria else None
        try:
            run(
                self._receiver,
                f"SET SESSION {limit or f'max_execution_time = {int(seconds * 1000)}'}",
            )
        except StepError as error:  # an old server; the token ends what takes too long
            _log.debug("the server does not limit statements: %s", error)

    @contextlib.contextmanager
    def _protocol(self) -> Iterator[None]:
        try:
            yield
        except MalformedPacketError as error:
            self._cancelled.raise_if_set()
            raise out_of_step(self._wire.where, str(error)) from error

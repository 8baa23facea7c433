"""A connection that writes: strict, in UTC, waiting for no lock for long, ended with all traces."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import StepError, SystemStepError, TransientStepError
from osiris.drivers.mysql.connect import open_wire
from osiris.drivers.mysql.errors import out_of_step
from osiris.drivers.mysql.protocol import (
    COM_QUERY,
    ERR,
    LOCAL_INFILE,
    OK,
    MalformedPacketError,
    OkPacket,
    parse_ok,
)
from osiris.drivers.mysql.receive import Receiver
from osiris.drivers.mysql.session import text_rows
from osiris.drivers.mysql.stop_query import stop_query

_SETTINGS: Final = (
    # A value is taken as it is or refused; 0 in an AUTO_INCREMENT column stays 0; \ escapes.
    "sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'",
    "time_zone = '+00:00'",
    # The server waits for a slow producer instead of hanging up.
    "net_read_timeout = 3600",
    "net_write_timeout = 3600",
    "wait_timeout = 28800",
    "foreign_key_checks = 1",
    "unique_checks = 1",
    "sql_notes = 0",
    "sql_quote_show_create = 1",
    "max_error_count = 64",
)
_log: Final = logging.getLogger(__name__)


class WriteSession:
    """One connection; a context manager that closes it. What was not committed is gone then.

    It waits `lock_seconds` for each lock on a table or a row.

    Every method raises the step's error for what the server says, `TransientStepError` for a
    connection that is lost, and the reason of `cancelled`.
    """

    def __init__(
        self,
        settings: MySQLConnection,
        *,
        base_dir: Path,
        cancelled: CancelToken,
        lock_seconds: int,
    ) -> None:
        self._settings, self._base_dir, self._cancelled = settings, base_dir, cancelled
        self._running = ""
        self._wire = open_wire(settings, base_dir=base_dir, cancelled=cancelled, local_files=True)
        self._receiver = Receiver(self._wire, writing=True)
        self.lock_seconds = lock_seconds
        self.where = self._wire.where

    def __enter__(self) -> Self:
        try:
            settings = ", ".join(f"SESSION {setting}" for setting in _SETTINGS)
            self.run(f"SET {settings}")
            for lock in ("lock_wait_timeout", "innodb_lock_wait_timeout"):
                self.run(f"SET SESSION {lock} = {self.lock_seconds:d}")
            self.run("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        except BaseException:
            self._wire.close(idle=False)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._wire.close(idle=error is None)
        if self._running:
            # The server goes on with it, and holds its locks, until it looks at the connection.
            stop_query(self._settings, self._base_dir, self._wire.thread_id, self._running)

    def run(self, sql: str) -> OkPacket:
        """Run a statement that returns no rows."""
        with self._protocol(sql):
            self._receiver.command(COM_QUERY + sql.encode())
            return self._finished()

    def rows(self, sql: str) -> list[tuple[str | None, ...]]:
        """Run a small query and return its rows, every value as text."""
        with self._protocol(sql):
            return text_rows(self._receiver, sql)

    def value(self, sql: str) -> str | None:
        """Return the only value of a query as text, None when there is no row."""
        found = self.rows(sql)
        return found[0][0] if found else None

    def insert(self, statement: list[bytes | memoryview]) -> OkPacket:
        """Run an INSERT that comes in pieces."""
        with self._protocol("INSERT"):
            self._receiver.command(b"".join([COM_QUERY, *statement]))
            return self._finished()

    def begin_upload(self, sql: str) -> None:
        """Send LOAD DATA LOCAL; the server then waits for `upload` and `end_upload`."""
        with self._protocol(sql):
            self._receiver.command(COM_QUERY + sql.encode())
            answer = self._receiver.packet()
            if answer[0] == ERR:
                raise self._receiver.refusal(answer)
            if answer[0] != LOCAL_INFILE:
                raise MalformedPacketError("LOAD DATA LOCAL asks for no file")

    def upload(self, part: memoryview) -> None:
        """Send some of the rows, at least one byte."""
        self._receiver.upload(part)

    def end_upload(self) -> OkPacket:
        """Say that no more rows come, and wait until the server has them all."""
        with self._protocol("LOAD DATA"):
            self._receiver.upload(b"")
            return self._finished()

    def commit(self, statement: str, *, repeatable: bool) -> None:
        """Run the statement that makes everything final, whatever is cancelled meanwhile.

        When the answer does not come nobody knows whether it is: that is transient only when doing
        all of it again comes to the same.
        """
        self._wire.shield()
        try:
            with self._protocol(statement):
                self._receiver.command(COM_QUERY + statement.encode())
                answer = self._receiver.packet()
        except TransientStepError as error:
            if repeatable:
                raise
            raise SystemStepError(
                f"lost the connection to MySQL at {self.where} while committing; the rows may be "
                "there or not",
                hint="look into the table before you run the step again: it would append them "
                "again",
            ) from error
        if answer[0] == ERR:
            raise self._receiver.refusal(answer)

    def _finished(self) -> OkPacket:
        answer = self._receiver.packet()
        if answer[0] == ERR:
            raise self._receiver.refusal(answer)
        if answer[0] != OK:
            raise MalformedPacketError("a statement that writes returns rows")
        return parse_ok(answer)

    @contextlib.contextmanager
    def _protocol(self, sql: str) -> Iterator[None]:
        self._running = sql
        try:
            yield
        except MalformedPacketError as error:
            self._cancelled.raise_if_set()
            raise out_of_step(self.where, str(error)) from error
        except StepError:
            if not self._cancelled.is_set():
                self._running = ""
            raise
        else:
            self._running = ""

"""Several small queries over one connection, in one read-only snapshot, each in bounded time.

What fails is undone to a savepoint, so that the session goes on.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import DataError, StepError
from osiris.drivers.postgres.copy_out.catalog import look_up, money_scale
from osiris.drivers.postgres.copy_out.columns import Column, columns_of, unknown_types
from osiris.drivers.postgres.copy_out.rows import RowDecoder
from osiris.drivers.postgres.copy_out.statement import copy_statement
from osiris.drivers.postgres.errors import out_of_step
from osiris.drivers.postgres.wire.messages import (
    DATA_ROW,
    READY,
    MalformedMessageError,
    message,
    parse_row,
    text,
)
from osiris.drivers.postgres.wire.session import (
    Row,
    begin_copy,
    begin_read_only,
    describe,
    end_copy,
    literal,
    rows,
    send_copy,
)
from osiris.drivers.postgres.wire.start_up import open_wire
from osiris.drivers.postgres.wire.stop import stop_statement

_SAVE: Final = "SAVEPOINT looking"
_MARK: Final = "osiris is here"
_UNDO: Final = f"ROLLBACK TO SAVEPOINT looking; SELECT {literal(_MARK)}"
_QUERY: Final = b"Q"


class Lookup:
    """An open session; a context manager that closes it.

    Args:
        settings: where to log in.
        base_dir: directory that paths in its TLS settings are relative to.
        seconds: how long a statement may take before the server stops it.
        cancelled: whoever switches it ends the session, and what runs in it on the server.

    """

    def __init__(
        self,
        settings: PostgresConnection,
        *,
        base_dir: Path,
        seconds: float,
        cancelled: CancelToken,
    ) -> None:
        self._settings, self._base_dir, self._cancelled = settings, base_dir, cancelled
        self._receiver = open_wire(settings, base_dir=base_dir, cancelled=cancelled)
        self._running = True
        try:
            with self._protocol():
                begin_read_only(self._receiver, chosen=settings.options.keys())
                limit = f"SET LOCAL statement_timeout = {max(int(seconds * 1000), 1)}"
                rows(self._receiver, f"{limit}; {_SAVE}")
        except BaseException:
            self._receiver.wire.close(idle=False)
            raise
        self._running = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        wire = self._receiver.wire
        wire.close(idle=error is None)
        if self._cancelled.is_set() and self._running:
            # The server knows nothing of it and may go on for long.
            stop_statement(self._settings, self._base_dir, wire.key)

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """Let something fail; the session can be used on after a `StepError`, which is raised."""
        try:
            yield
        except StepError:
            self._cancelled.raise_if_set()
            self._undo()
            raise

    def rows(self, sql: str) -> list[Row]:
        """Run a query and return its rows, values as texts."""
        with self._protocol():
            return rows(self._receiver, sql)

    def columns(self, query: str) -> list[Column]:
        """Return the columns of a query as the extractor reads them, without running it."""
        with self._protocol():
            fields = describe(self._receiver, query)
            types = look_up(self._receiver, unknown_types(fields))
            return columns_of(fields, types, money_scale(self._receiver, fields, types))

    def table(self, query: str, columns: Sequence[Column]) -> pa.Table:
        """Run a query with these columns and return all its rows as the extractor gives them."""
        decoder = RowDecoder(columns, {"infinite_dates": "null", "numeric_nan": "null"})
        batches: list[pa.RecordBatch] = []
        problem: DataError | None = None
        with self._protocol():
            send_copy(self._receiver, copy_statement(query, columns))
            begin_copy(self._receiver)
            for block in self._receiver.blocks(len(columns)):
                try:
                    batches += () if problem else decoder.batches(block)
                except DataError as error:
                    problem = error  # read on to the end, so that the next query can follow
            end_copy(self._receiver)
        if problem is not None:
            raise problem
        return pa.Table.from_batches(batches, schema=decoder.schema)

    def _undo(self) -> None:
        """Go back to the savepoint, past whatever the server still has to say."""
        with self._protocol():
            self._receiver.send(message(_QUERY, text(_UNDO)))
            marked = False
            while True:
                kind, payload = self._receiver.message()
                if kind == DATA_ROW and parse_row(payload) == [_MARK]:
                    marked = True
                elif kind == READY and marked:
                    return

    @contextlib.contextmanager
    def _protocol(self) -> Iterator[None]:
        self._running = True
        try:
            yield
        except MalformedMessageError as error:
            self._cancelled.raise_if_set()
            raise out_of_step(self._receiver.wire.where, str(error)) from error
        self._running = False

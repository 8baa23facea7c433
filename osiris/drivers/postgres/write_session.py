"""A connection that writes: its settings, its errors, its end, and a commit that is certain."""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import OsirisError, SystemStepError
from osiris.drivers.postgres.connect import connect
from osiris.drivers.postgres.places import place
from osiris.drivers.postgres.write_errors import writing_error

_log: Final = logging.getLogger(__name__)
_ASKING_TIMES: Final = 3
_PAUSE_SECONDS: Final = 0.2
_CANCEL_SECONDS: Final = 3.0


class WriteSession:
    """A connection in a transaction that ends with the `with` block; only `commit` keeps it.

    No session state is used beyond the transaction, and no prepared statement, so that a pooler
    in transaction mode may stand before the server.
    """

    def __init__(
        self,
        settings: PostgresConnection,
        *,
        base_dir: Path,
        cancelled: CancelToken,
        lock_timeout: float,
    ) -> None:
        self._settings = settings
        self._base_dir = base_dir
        self._cancelled = cancelled
        self._where = place(settings)
        self._lock_timeout = lock_timeout
        self.connection = connect(settings, base_dir=base_dir, cancelled=cancelled)
        self.connection.prepare_threshold = None
        # A descriptor of its own: that of the connection may be another's after it is closed.
        self._channel = socket.socket(fileno=os.dup(self.connection.fileno()))
        self._forget = cancelled.on_cancel(self._interrupt)

    def __enter__(self) -> Self:
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise
        return self

    def _prepare(self) -> None:
        with self.explained():
            self._set("lock_timeout", f"{max(1, round(self._lock_timeout * 1000))}")
            # A policy must fail the step rather than hide rows from it.
            self._set("row_security", "off")
            if "statement_timeout" not in self._settings.options:
                self._set("statement_timeout", "0")  # the step's own `timeout` holds

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; what was not committed is gone."""
        self._forget()
        self.connection.close()
        self._channel.close()

    def _set(self, name: str, value: str) -> None:
        self.connection.execute("SELECT set_config(%s, %s, true)", [name, value])

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what psycopg raises into the step's errors."""
        try:
            yield
        except psycopg.Error as error:
            self._cancelled.raise_if_set()
            raise writing_error(error, self._where) from error

    def commit(self, *, idempotent: bool) -> None:
        """Commit. When the answer does not come, ask a new connection what became of it.

        Raises `TransientStepError` when the transaction was rolled back, or when doing all of it
        again comes to the same (`idempotent`); `SystemStepError` when nobody can tell.
        """
        with self.explained():
            row = self.connection.execute("SELECT txid_current()").fetchone()
        transaction = int(row[0]) if row else 0
        self._forget()  # from here on a cancelled step waits for the answer
        try:
            self.connection.commit()
        except psycopg.Error as error:
            if error.sqlstate and not self.connection.broken:
                raise writing_error(error, self._where) from error
            self._settle(transaction, error, idempotent=idempotent)

    def _settle(self, transaction: int, error: psycopg.Error, *, idempotent: bool) -> None:
        state = self._state_of(transaction)
        _log.info("the answer to COMMIT was lost; the transaction is %s", state or "unknown")
        if state == "committed":
            return
        if state == "aborted" or idempotent:
            raise writing_error(error, self._where) from error
        raise SystemStepError(
            f"lost the connection to PostgreSQL at {self._where} while committing, and the server "
            "does not tell whether the rows are there",
            hint="look into the table before you run the step again: it would append them again",
        ) from error

    def _state_of(self, transaction: int) -> str | None:
        """Ask what became of a transaction, until it is decided or the time is up."""
        deadline = time.monotonic() + self._settings.connect_timeout * _ASKING_TIMES
        state = None
        while time.monotonic() < deadline and state not in {"committed", "aborted"}:
            try:
                state = self._ask(transaction)
            except (OsirisError, psycopg.Error) as error:
                _log.debug("could not ask for the transaction: %s", error)
            if state not in {"committed", "aborted"}:
                time.sleep(_PAUSE_SECONDS)
        return state

    def _ask(self, transaction: int) -> str | None:
        anew = connect(
            self._settings, base_dir=self._base_dir, cancelled=CancelToken(), autocommit=True
        )
        with anew:
            row = anew.execute("SELECT txid_status(%s)", [transaction]).fetchone()
        return None if row is None or row[0] is None else str(row[0])

    def _interrupt(self) -> None:
        """Wake whoever waits for the server, and tell the server; from any thread, at once."""
        threading.Thread(target=self._cancel, daemon=True).start()

    def _cancel(self) -> None:
        with contextlib.suppress(psycopg.Error, OSError):
            self.connection.cancel_safe(timeout=_CANCEL_SECONDS)
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)

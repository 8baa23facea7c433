"""Opening a connection to a PostgreSQL server with psycopg."""

import errno
import os
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.pq import ConnStatus

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import StepError
from osiris.drivers.postgres.conninfo import parameters
from osiris.drivers.postgres.errors import login_error
from osiris.drivers.postgres.login import LoginFailure, log_in
from osiris.drivers.postgres.places import addresses, place
from osiris.drivers.postgres.unreachable import (
    NO_SUCH_SOCKET,
    cannot_log_in,
    connect_failure,
    hung_up,
    no_password,
    not_postgres,
    tls_failure,
)

PsycopgConnection = psycopg.Connection[tuple[Any, ...]]

_NOBODY_THERE: Final = (ConnStatus.STARTED, ConnStatus.BAD)
_SECURING: Final = (ConnStatus.MADE, ConnStatus.SSL_STARTUP)
_NUMBERS: Final = (errno.ECONNREFUSED, *NO_SUCH_SOCKET)
# What libpq says itself, in its own words (it has no codes).
_NOT_POSTGRES: Final = ("invalid response to SSL negotiation", "expected authentication request")
_NO_PASSWORD: Final = "no password supplied"  # noqa: S105 - a message, not a password
_CLOSED: Final = ("closed the connection", os.strerror(errno.ECONNRESET), "SSL SYSCALL error: EOF")


def connect(
    settings: PostgresConnection,
    *,
    base_dir: Path = Path(),
    cancelled: CancelToken,
    autocommit: bool = False,
) -> PsycopgConnection:
    """Connect and log in; files of `settings.tls` are relative to `base_dir`.

    Raises `ConfigError` (with `AuthenticationError`, `TlsError`, `UnknownDatabaseError`) for what a
    retry cannot mend and `TransientStepError` for the rest; when `cancelled` is switched, its
    reason. A connection is used by one thread at a time.
    """
    cancelled.raise_if_set()
    where = place(settings)
    asked = parameters(settings, base_dir)
    failures = []
    for address in addresses(settings):
        try:
            pgconn = log_in({**asked, "hostaddr": address}, settings.connect_timeout, cancelled)
        except LoginFailure as failure:
            failures.append(failure)
            if failure.phase not in _NOBODY_THERE:
                break  # somebody is there: no other address knows better
        else:
            connection: PsycopgConnection = psycopg.Connection(pgconn)
            connection.autocommit = autocommit
            return connection
    raise _refused(failures[-1], where, settings.connect_timeout) from failures[-1]


def _refused(failure: LoginFailure, where: str, seconds: float) -> StepError:
    """Return the step's error for a log-in that failed."""
    if failure.timed_out:
        return connect_failure(TimeoutError(), where, seconds)
    if failure.sqlstate:
        return login_error(failure.sqlstate, failure.text, where)
    text = failure.text.partition(" failed: ")[2] or failure.text
    if failure.phase in _NOBODY_THERE:
        number = next((code for code in _NUMBERS if os.strerror(code) in text), None)
        error = OSError(text) if number is None else OSError(number, os.strerror(number))
        return connect_failure(error, where, seconds)
    return _said_by_libpq(text, failure.phase, where)


def _said_by_libpq(text: str, phase: ConnStatus, where: str) -> StepError:
    if any(phrase in text for phrase in _NOT_POSTGRES):
        return not_postgres(where)
    if _NO_PASSWORD in text:
        return no_password(where)
    if any(phrase in text for phrase in _CLOSED):
        return hung_up(text, where)
    if phase in _SECURING or "SSL error" in text:
        return tls_failure(text, where)
    return cannot_log_in(text, where)

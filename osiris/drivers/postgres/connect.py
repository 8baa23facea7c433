"""Opening a connection to a PostgreSQL server."""

import errno
import os
import socket
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.pq import ConnStatus

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import (
    AuthenticationError,
    ConfigError,
    StepError,
    TlsError,
    TransientStepError,
)
from osiris.drivers.postgres.conninfo import parameters
from osiris.drivers.postgres.errors import login_error
from osiris.drivers.postgres.login import LoginFailure, log_in

PsycopgConnection = psycopg.Connection[tuple[Any, ...]]

_NOBODY_THERE: Final = (ConnStatus.STARTED, ConnStatus.BAD)
_SECURING: Final = (ConnStatus.MADE, ConnStatus.SSL_STARTUP)
_NO_SUCH_SOCKET: Final = (errno.ENOENT, errno.EACCES, errno.ENOTSOCK, errno.ENOTDIR)
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
    for address in _addresses(settings, where):
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
    raise refused(failures[-1], where, settings) from failures[-1]


def place(settings: PostgresConnection) -> str:
    """Return where the server is, for messages."""
    if settings.socket:
        return f"{settings.socket}/.s.PGSQL.{settings.port}"
    return f"{settings.host}:{settings.port}"


def _addresses(settings: PostgresConnection, where: str) -> list[str]:
    if settings.socket:
        return [""]
    try:
        found = socket.getaddrinfo(settings.host, settings.port, proto=socket.IPPROTO_TCP)
    except (socket.gaierror, UnicodeError) as error:
        raise _unknown_host(error, where) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _unknown_host(error: socket.gaierror | UnicodeError, where: str) -> StepError:
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return TransientStepError(
            f"the name service does not answer for the host of {where}",
            hint="check the network and its name servers",
        )
    reason = getattr(error, "strerror", None) or str(error)
    return ConfigError(f"there is no host {where}: {reason}", hint="check `host`")


def refused(failure: LoginFailure, where: str, settings: PostgresConnection) -> StepError:
    """Return the step's error for a log-in that failed."""
    if failure.timed_out:
        return TransientStepError(
            f"PostgreSQL at {where} did not answer within {settings.connect_timeout:g} s",
            hint="check host, port and firewall; connect_timeout sets how long to wait",
        )
    if failure.sqlstate:
        return login_error(failure.sqlstate, failure.text, where)
    if failure.phase in _NOBODY_THERE:
        return _unreachable(failure.text, where)
    return _said_by_libpq(failure, where)


def _unreachable(text: str, where: str) -> StepError:
    if os.strerror(errno.ECONNREFUSED) in text:
        return TransientStepError(
            f"nothing listens at {where} (connection refused)",
            hint="check host and port, and that the server runs",
        )
    if any(os.strerror(number) in text for number in _NO_SUCH_SOCKET):
        return ConfigError(
            f"cannot open {where}: {text.rpartition(': ')[2]}",
            hint="check `socket` and `port`, and that the server runs on this machine",
        )
    return TransientStepError(
        f"cannot connect to PostgreSQL at {where}: {text.rpartition(': ')[2]}",
        hint="check host, port and the network between",
    )


def _said_by_libpq(failure: LoginFailure, where: str) -> StepError:
    text = failure.text.partition(" failed: ")[2] or failure.text
    if any(phrase in text for phrase in _NOT_POSTGRES):
        return ConfigError(
            f"what listens at {where} does not speak the PostgreSQL protocol",
            hint="check host and port",
        )
    if _NO_PASSWORD in text:
        return AuthenticationError(
            f"PostgreSQL at {where} asks for a password, and the connection has none",
            hint="set `password` in the connection",
        )
    if any(phrase in text for phrase in _CLOSED):
        return TransientStepError(
            f"PostgreSQL at {where} closed the connection while logging in: {text}",
            hint="look into the server's log; it may be starting, stopping or full",
        )
    if failure.phase in _SECURING or "SSL error" in text:
        return TlsError(
            f"TLS with PostgreSQL at {where} failed: {text}",
            hint="check the connection's `tls`, and that the server offers TLS with a certificate"
            " that is valid and made for this host",
        )
    return ConfigError(
        f"cannot log in to PostgreSQL at {where}: {text}",
        hint="use a way to log in that is supported: scram-sha-256, or a client certificate",
    )

"""Opening a connection to a MySQL server, and the bytes that go through it afterwards."""

import contextlib
import socket
import ssl
import struct
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pymysql
from pymysql.constants import CR

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import ConfigError, StepError, TlsError, TransientStepError
from osiris.core.tls_context import tls_context
from osiris.drivers.mysql.errors import connect_failure, server_error
from osiris.drivers.mysql.login import Login, log_in
from osiris.drivers.relational.incoming import Incoming
from osiris.drivers.relational.interruption import interruptible, shut_down

MAX_PAYLOAD: Final = 0xFFFFFF
"""Bytes in a full packet; a payload that has them goes on in the next packet."""

_QUIT: Final = b"\x01"
_AUTH_UNKNOWN: Final = frozenset({CR.CR_AUTH_PLUGIN_CANNOT_LOAD, CR.CR_AUTH_PLUGIN_ERR})
_CLIENT_ERRORS: Final = range(2000, 3000)
# What PyMySQL raises when the other side talks something else than MySQL.
_GIBBERISH: Final = (
    AssertionError,
    AttributeError,
    IndexError,
    TypeError,
    ValueError,
    struct.error,
)
# Seconds: probe a silent connection after a minute, give it up two minutes later.
_KEEPALIVE: Final = {socket.TCP_KEEPIDLE: 60, socket.TCP_KEEPINTVL: 20, socket.TCP_KEEPCNT: 6}


class Wire:
    """An open connection after log-in: packets out, bytes in.

    Attributes:
        where: `host:port` or the socket's path, for messages.
        thread_id: the number the server gave the connection in its greeting.
        deprecate_eof: whether results end with an OK packet and column lists with nothing
            (CLIENT_DEPRECATE_EOF), else with EOF packets.
        cancelled: whoever switches it interrupts the connection.

    """

    def __init__(self, login: Login, where: str, cancelled: CancelToken) -> None:
        self.where = where
        self.thread_id = login.thread_id
        self.deprecate_eof = login.deprecate_eof
        self.cancelled = cancelled
        self._login = login
        self._socket = login.channel
        self._socket.settimeout(None)
        self._incoming = Incoming(self._socket)
        # The token may outlive a connection that nobody reads: it must not keep it open.
        self._forget = cancelled.on_cancel(_weakly(self))

    def send(self, payload: bytes | memoryview, *, sequence: int = 0) -> None:
        """Send a payload, in as many packets as it takes, numbered from `sequence` on.

        Raises `OSError`.
        """
        for number, start in enumerate(range(0, len(payload) + 1, MAX_PAYLOAD), sequence):
            part = payload[start : start + MAX_PAYLOAD]
            self._socket.sendall(struct.pack("<I", len(part) | (number & 0xFF) << 24) + part)

    def recv_into(self, space: memoryview) -> int:
        """Wait for bytes and put what there is into `space`; 0 at the end. Raises `OSError`."""
        return self._incoming.recv_into(space)

    def wait_for(self, count: int, milliseconds: int) -> bool:
        """Tell whether so many bytes are there, or the connection ended, waiting so long for them.

        With TLS and through a Unix socket, any byte will do.
        """
        return self._incoming.wait_for(count, milliseconds)

    def shield(self) -> None:
        """Let nobody interrupt the connection any more: what comes now is brought to an end."""
        self._forget()

    def interrupt(self) -> None:
        """Wake a thread that waits in `recv_into` or `send`; may be called from any thread."""
        shut_down(self._socket)

    def close(self, *, idle: bool = True) -> None:
        """Close the connection; an `idle` one (no result pending) says good-bye first."""
        self._forget()
        if idle:
            with contextlib.suppress(OSError):
                self.send(_QUIT)
        self._login.close()


def open_wire(
    settings: MySQLConnection,
    *,
    base_dir: Path = Path(),
    cancelled: CancelToken,
    deprecate_eof: bool = True,
    local_files: bool = False,
) -> Wire:
    """Connect and log in; files of `settings.tls` are relative to `base_dir`.

    `local_files` tells the server that it may ask for a file (LOAD DATA LOCAL).

    Raises `ConfigError` for what a retry cannot mend and `TransientStepError` for the rest;
    when `cancelled` is switched, its reason.
    """
    cancelled.raise_if_set()
    where = settings.socket or f"{settings.host}:{settings.port}"
    tls = tls_context(settings.tls, base_dir)
    if settings.socket and settings.tls.mode == "preferred":
        tls = None  # what goes through a socket does not leave the machine
    try:
        channel = _open_socket(settings)
    except OSError as error:
        raise connect_failure(error, where, settings.connect_timeout) from error
    with interruptible(channel, cancelled):
        try:
            login = log_in(
                settings, channel, tls, deprecate_eof=deprecate_eof, local_files=local_files
            )
        except (pymysql.err.Error, RuntimeError, *_GIBBERISH) as error:
            cancelled.raise_if_set()
            raise _refused(error, where, settings.connect_timeout) from error
    return Wire(login, where, cancelled)


def _open_socket(settings: MySQLConnection) -> socket.socket:
    if settings.socket is None:
        channel = socket.create_connection((settings.host, settings.port), settings.connect_timeout)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            channel.setsockopt(socket.IPPROTO_TCP, option, value)
        return channel
    channel = socket.socket(socket.AF_UNIX)
    try:
        channel.settimeout(settings.connect_timeout)
        channel.connect(settings.socket)
    except OSError:
        channel.close()
        raise
    return channel


def _weakly(wire: Wire) -> Callable[[], None]:
    reference = weakref.ref(wire)

    def interrupt() -> None:
        if (alive := reference()) is not None:
            alive.interrupt()

    return interrupt


def _refused(error: Exception, where: str, seconds: float) -> StepError:
    """Tell why the log-in failed."""
    if isinstance(error, RuntimeError):  # a package that a way to log in needs is missing
        return ConfigError(
            f"cannot log in to MySQL at {where}: {error}",
            hint="install the package, or use another way to log in for the user",
        )
    if not isinstance(error, pymysql.err.Error) or not error.args:
        return _not_mysql(where)
    number, text = error.args[0], str(error.args[-1])
    if not isinstance(number, int):
        return _not_mysql(where)
    if number in _CLIENT_ERRORS:
        return _client_error(number, text, error, where, seconds)
    return server_error(number, getattr(error, "sqlstate", None) or "", text, where)


def _client_error(
    number: int, text: str, error: Exception, where: str, seconds: float
) -> StepError:
    cause = getattr(error, "original_exception", None) or error.__context__
    if number in _AUTH_UNKNOWN:
        return ConfigError(
            f"cannot log in to MySQL at {where}: {text}",
            hint="use a way to log in that is supported, or set tls.mode: required",
        )
    if number == CR.CR_SSL_CONNECTION_ERROR:
        return TlsError(
            f"MySQL at {where} does not offer TLS",
            hint="turn TLS on at the server, or set tls.mode: preferred",
        )
    if isinstance(cause, TimeoutError | ssl.SSLError):
        return connect_failure(cause, where, seconds)
    return TransientStepError(
        f"MySQL at {where} closed the connection while logging in: {text}",
        hint="look into the server's error log; it may be starting, stopping or full",
    )


def _not_mysql(where: str) -> ConfigError:
    return ConfigError(
        f"what listens at {where} does not speak the MySQL protocol",
        hint="check host and port",
    )

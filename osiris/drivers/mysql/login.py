"""Logging in through PyMySQL: the one file that touches what PyMySQL keeps to itself.

PyMySQL does the handshake: capabilities, TLS, every way to log in. Checked against the range of
versions that pyproject.toml allows.
"""
# ruff: noqa: SLF001 - this is the one place that leans on private members of PyMySQL

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.constants import CLIENT, CR

from osiris.components.mysql_extractor import MySQLConnection


@dataclass(frozen=True)
class Login:
    """What is left of the handshake.

    Attributes:
        channel: the socket, wrapped in TLS where that was agreed.
        thread_id: the number the server gave the connection in its greeting.
        deprecate_eof: whether CLIENT_DEPRECATE_EOF was agreed.
        close: closes the socket and what PyMySQL holds on it.

    """

    channel: socket.socket
    thread_id: int
    deprecate_eof: bool
    close: Callable[[], None]


def log_in(
    settings: MySQLConnection,
    channel: socket.socket,
    tls: ssl.SSLContext | None,
    *,
    deprecate_eof: bool,
    local_files: bool = False,
) -> Login:
    """Log in over a connected socket, which is closed when that fails.

    `local_files` says that the server may ask for files; PyMySQL itself gives it none.

    Raises what PyMySQL raises: `pymysql.err.Error`, `RuntimeError` for a missing package, and a
    handful of Python's own errors when the other side does not talk MySQL.
    """
    connection = _unconnected(settings, tls, deprecate_eof=deprecate_eof)
    if local_files:
        connection.client_flag |= CLIENT.LOCAL_FILES
    try:
        connection.connect(channel)
    except BaseException:
        channel.close()
        raise
    agreed = connection.client_flag & connection.server_capabilities
    return Login(
        channel=connection._sock,
        thread_id=connection.thread_id(),
        deprecate_eof=bool(agreed & CLIENT.DEPRECATE_EOF),
        close=connection._force_close,
    )


def _unconnected(
    settings: MySQLConnection, tls: ssl.SSLContext | None, *, deprecate_eof: bool
) -> Any:
    password = settings.password.get_secret_value() if settings.password else ""
    connection: Any = pymysql.Connection(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        password=password.encode(),
        database=settings.database,
        charset="utf8mb4",
        autocommit=None,
        client_flag=CLIENT.DEPRECATE_EOF if deprecate_eof else 0,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.connect_timeout,
        write_timeout=settings.connect_timeout,
        program_name="osiris",
        auth_plugin_map={"mysql_clear_password": _ClearText, "dialog": _ClearText},
        ssl=tls,
        ssl_disabled=tls is None,
        defer_connect=True,
    )
    if tls is not None and settings.tls.mode == "preferred":
        # How PyMySQL represents TLS that is used when the server offers it.
        connection._ssl_required = False
        connection.client_flag &= ~CLIENT.SSL
    connection._secure = settings.socket is not None
    return connection


class _ClearText:
    """Sends the password as it is to a server that asks for it so, on a safe channel only."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def authenticate(self, _request: object) -> Any:
        if not self._connection._secure:
            message = "it asks for the password in clear text on a connection without encryption"
            raise pymysql.err.OperationalError(CR.CR_AUTH_PLUGIN_ERR, message)
        self._connection.write_packet(self._connection.password + b"\0")
        answer = self._connection._read_packet()
        answer.check_error()
        return answer

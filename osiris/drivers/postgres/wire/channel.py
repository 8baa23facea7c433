"""Opening the socket to a server, encrypted where that is agreed; and the bytes through it."""

import socket
import ssl
import struct
from typing import Final

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.drivers.postgres.places import place
from osiris.drivers.postgres.unreachable import not_postgres, tls_failure
from osiris.drivers.relational.interruption import interruptible

_SSL_REQUEST: Final = struct.pack("!II", 8, 80877103)
_YES, _NO = b"S", b"N"
# Seconds: probe a silent connection after a minute, give it up two minutes later.
_KEEPALIVE: Final = {socket.TCP_KEEPIDLE: 60, socket.TCP_KEEPINTVL: 20, socket.TCP_KEEPCNT: 6}

Socket = socket.socket | ssl.SSLSocket


def open_channel(
    settings: PostgresConnection,
    address: str,
    tls: ssl.SSLContext | None,
    cancelled: CancelToken,
) -> Socket:
    """Connect and agree on TLS; what waits longer than the settings allow is given up.

    Raises `OSError` (with `ssl.SSLError`), `TlsError` and `ConfigError`.
    """
    channel = _connected(settings, address)
    if tls is None or settings.socket:
        return channel
    try:
        with interruptible(channel, cancelled):
            if _offers_tls(channel, settings):
                return tls.wrap_socket(channel, server_hostname=settings.host)
    except BaseException:
        channel.close()
        raise
    return channel


def _offers_tls(channel: socket.socket, settings: PostgresConnection) -> bool:
    channel.sendall(_SSL_REQUEST)
    answer = channel.recv(1)
    if not answer:
        raise ConnectionResetError("it hung up")
    if answer == _NO and settings.tls.mode != "preferred":
        raise tls_failure("the server does not support SSL", place(settings))
    if answer not in {_YES, _NO}:
        raise not_postgres(place(settings))
    return answer == _YES


def _connected(settings: PostgresConnection, address: str) -> socket.socket:
    if settings.socket is None:
        channel = socket.create_connection((address, settings.port), settings.connect_timeout)
        channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            channel.setsockopt(socket.IPPROTO_TCP, option, value)
        return channel
    channel = socket.socket(socket.AF_UNIX)
    try:
        channel.settimeout(settings.connect_timeout)
        channel.connect(f"{settings.socket}/.s.PGSQL.{settings.port}")
    except OSError:
        channel.close()
        raise
    return channel

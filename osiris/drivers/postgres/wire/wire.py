"""An open connection after log-in: messages out, bytes in; it can be woken and stopped."""

import contextlib
import socket
import struct
import weakref
from collections.abc import Callable
from typing import Final

from osiris.core.cancel import CancelToken
from osiris.drivers.postgres.wire.channel import Socket
from osiris.drivers.postgres.wire.messages import message
from osiris.drivers.relational.incoming import Incoming
from osiris.drivers.relational.interruption import shut_down

_AT_ONCE: Final = struct.pack("ii", 1, 0)  # linger: yes, for no second


class Wire:
    """A socket on which the protocol is spoken.

    Attributes:
        where: `host:port` or the socket's path, for messages.
        cancelled: whoever switches it interrupts the connection.
        logging_in: whether the log-in is not over yet.
        key: the server's process and the secret that stop what it does; set by the log-in.

    """

    def __init__(self, channel: Socket, where: str, cancelled: CancelToken) -> None:
        self.where = where
        self.cancelled = cancelled
        self.logging_in = True
        self.key = b""
        self._socket = channel
        self._incoming = Incoming(channel)
        # The token may outlive a connection that nobody reads: it must not keep it open.
        self._forget = cancelled.on_cancel(_weakly(self))

    def __del__(self) -> None:
        """Close the socket of a connection that nobody read to its end."""
        self._reset()

    def send(self, data: bytes) -> None:
        """Send messages; raises `OSError`."""
        self._socket.sendall(data)

    def recv_into(self, space: memoryview) -> int:
        """Wait for bytes and put what there is into `space`; 0 at the end. Raises `OSError`."""
        return self._incoming.recv_into(space)

    def wait_for(self, count: int, milliseconds: int) -> bool:
        """Tell whether so many bytes are there, or the connection ended, waiting so long for them.

        With TLS and through a Unix socket, any byte will do.
        """
        return self._incoming.wait_for(count, milliseconds)

    def logged_in(self) -> None:
        """Say that the log-in is over; from now on a receive takes as long as the server does."""
        self.logging_in = False
        self._socket.settimeout(None)

    def interrupt(self) -> None:
        """Wake a thread that waits in `recv_into` or `send`; may be called from any thread."""
        shut_down(self._socket)

    def close(self, *, idle: bool = True) -> None:
        """Close the connection; an `idle` one (no result pending) says good-bye first."""
        self._forget()
        if not idle:
            self._reset()
            return
        with contextlib.suppress(OSError):
            self.send(message(b"X", b""))
        self._socket.close()

    def _reset(self) -> None:
        """Close the socket so that the server learns of it at once, whatever it is sending.

        After an ordinary end a server that waits for room to send would ask for it for a minute.
        """
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._socket.close()


def _weakly(wire: Wire) -> Callable[[], None]:
    reference = weakref.ref(wire)

    def interrupt() -> None:
        if (alive := reference()) is not None:
            alive.interrupt()

    return interrupt

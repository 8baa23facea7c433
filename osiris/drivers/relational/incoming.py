"""Receiving what a database server sends through its socket, waking as seldom as possible."""

import contextlib
import select
import socket
import ssl


class Incoming:
    """The receiving side of a connected socket, with TLS or without; for one thread."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._poll = select.poll()
        self._poll.register(channel, select.POLLIN)
        self._wakes_at = 1

    def recv_into(self, space: memoryview) -> int:
        """Wait for bytes and put what there is into `space`; 0 at the end. Raises `OSError`."""
        self._wake_at(1)  # the server may never send more
        return self._channel.recv_into(space)

    def wait_for(self, count: int, milliseconds: int) -> bool:
        """Tell whether so many bytes are there, or the connection ended, waiting so long for them.

        Servers send 8 or 16 KiB at a time: waking for each piece would take a tenth of what
        reading a table takes. With TLS and through a Unix socket, any byte will do.
        """
        if isinstance(self._channel, ssl.SSLSocket):
            if self._channel.pending():
                return True
        else:
            self._wake_at(count)
        return bool(self._poll.poll(milliseconds))

    def _wake_at(self, count: int) -> None:
        if count != self._wakes_at:
            self._wakes_at = count
            with contextlib.suppress(OSError):  # where the system cannot, any byte wakes
                self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)

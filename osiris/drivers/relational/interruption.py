"""Ending a wait for a database server's socket from another thread."""

import contextlib
import socket
from collections.abc import Iterator

from osiris.core.cancel import CancelToken


@contextlib.contextmanager
def interruptible(channel: socket.socket, cancelled: CancelToken) -> Iterator[None]:
    """Let whoever switches `cancelled` end what waits for a socket inside of the block."""
    # TLS takes the descriptor over from `channel`: shut down a second one for the same socket.
    with channel.dup() as second:
        forget = cancelled.on_cancel(lambda: shut_down(second))
        try:
            yield
        finally:
            forget()


def shut_down(channel: socket.socket) -> None:
    """Wake whoever waits for a socket; may be called from any thread."""
    with contextlib.suppress(OSError):
        # Not SSLSocket.shutdown, which would forget the TLS state another thread is using.
        socket.socket.shutdown(channel, socket.SHUT_RDWR)

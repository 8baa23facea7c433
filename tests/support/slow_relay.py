"""A TCP relay that hands on what a server says only after a while."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator


@contextlib.contextmanager
def slow_relay(port: int, seconds: float) -> Iterator[int]:
    """Pass connections on to `port` of 127.0.0.1, every answer late; gives the port to call."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, port, seconds), daemon=True).start()
        yield int(listener.getsockname()[1])


def _accept(listener: socket.socket, port: int, seconds: float) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # the test is over
            return
        server = socket.create_connection(("127.0.0.1", port))
        for source, target, wait in ((client, server, 0.0), (server, client, seconds)):
            threading.Thread(target=_pass_on, args=(source, target, wait), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket, wait: float) -> None:
    with contextlib.suppress(OSError), target:
        while data := source.recv(65536):
            time.sleep(wait)
            target.sendall(data)

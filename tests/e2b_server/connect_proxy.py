"""An HTTP proxy that knows only CONNECT and leads every host to one port of this machine."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2b_server.relay import relay_to


@contextmanager
def connect_proxy(port: int) -> Iterator[tuple[str, list[str]]]:
    """Run a proxy for the length of the block; gives its address and the hosts asked for so far."""
    hosts: list[str] = []

    def greet(client: socket.socket) -> None:
        asked = b""
        while not asked.endswith(b"\r\n\r\n"):
            data = client.recv(1)  # one by one: what follows belongs to the other end
            if not data:
                raise ConnectionError
            asked += data
        method, host, _ = asked.split(b"\r\n")[0].decode().split()
        if method != "CONNECT":
            client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
            raise ConnectionError
        hosts.append(host)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

    with relay_to(port, greet) as relay:
        yield relay.url, hosts

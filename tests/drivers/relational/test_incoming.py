"""Waiting for many bytes wakes once; what is less than was waited for is received all the same."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from osiris.drivers.relational.incoming import Incoming

_LONG = 120_000  # milliseconds; never waited for in full where a test passes
_MANY = 100_000


@pytest.fixture(params=["tcp", "unix"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A server's socket and the socket of who is connected to it."""
    if request.param == "unix":
        ours, theirs = socket.socketpair()
    else:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            ours = socket.create_connection(listening.getsockname())
            theirs, _ = listening.accept()
    with ours, theirs:
        ours.settimeout(120)
        yield theirs, ours


def _received(incoming: Incoming) -> bytes:
    space = bytearray(2 * _MANY)
    return bytes(space[: incoming.recv_into(memoryview(space))])


def test_fewer_bytes_than_were_waited_for_are_received(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    server, ours = pair
    incoming = Incoming(ours)
    server.sendall(b"the last of it")
    if ours.family == socket.AF_INET:
        assert not incoming.wait_for(_MANY, 10)
    assert _received(incoming) == b"the last of it"
    assert not incoming.wait_for(1, 10)


def test_the_wait_is_over_when_the_server_hangs_up(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    server, ours = pair
    incoming = Incoming(ours)
    server.sendall(b"goodbye")
    server.close()
    started = time.monotonic()
    assert incoming.wait_for(_MANY, _LONG)
    assert time.monotonic() - started < _LONG / 2000
    assert _received(incoming) == b"goodbye"
    assert _received(incoming) == b""


def test_a_wait_for_many_bytes_is_woken_by_them_and_not_by_the_first() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname())
        server, _ = listening.accept()

    def serve() -> None:
        for _ in range(10):
            server.sendall(bytes(_MANY // 10))
            time.sleep(0.02)

    with ours, server:
        incoming = Incoming(ours)
        serving = threading.Thread(target=serve)
        serving.start()
        assert incoming.wait_for(_MANY, _LONG)
        assert len(_received(incoming)) == _MANY
        serving.join()

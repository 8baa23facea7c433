"""A TCP relay that stands between a client and a server and breaks the way between them."""

import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_CHUNK = 64 * 1024

Greet = Callable[[socket.socket], None]
"""What is said to a new client before anything is passed on."""


class Relay:
    """Listens on a free port of 127.0.0.1 and passes everything on to another.

    `down` refuses what comes and cuts what is there; `frozen` keeps connections and passes
    nothing; `cut_all` resets the connections there are.
    """

    def __init__(self, port: int, greet: Greet | None = None) -> None:
        self._greet = greet
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._closed = threading.Event()
        self._down = False
        self.connections = 0
        self.cuts = 0

    @property
    def url(self) -> str:
        """The address to give to the client."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> None:
        """Begin to accept."""
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    def stop(self) -> None:
        """End everything."""
        self._closed.set()
        self._flowing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()

    def freeze(self) -> None:
        """Pass nothing on, in no direction, until `thaw`."""
        self._flowing.clear()

    def thaw(self) -> None:
        """Let everything flow again."""
        self._flowing.set()

    def go_down(self) -> None:
        """Refuse every connection and cut those that there are, until `come_up`."""
        self._down = True
        self.cut_all()

    def come_up(self) -> None:
        """Accept again."""
        self._down = False

    def cut_all(self) -> None:
        """Reset every connection (RST, not an orderly end)."""
        with self._lock:
            found, self._open = self._open, set()
        self.cuts += len(found) // 2
        for connection in found:
            _reset(connection)

    def cut_now_and_then(
        self, seed: int, shortest: float, longest: float, times: int = 1_000_000
    ) -> threading.Event:
        """Cut everything after a random number of seconds, again and again; set to stop."""
        stop = threading.Event()
        choose = random.Random(seed)

        def cut() -> None:
            for _ in range(times):
                if stop.wait(choose.uniform(shortest, longest)):
                    return
                self.cut_all()

        threading.Thread(target=cut, name="relay-cuts", daemon=True).start()
        return stop

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._down:
                _reset(client)
                continue
            try:
                self._join(client)
            except OSError:
                _reset(client)

    def _join(self, client: socket.socket) -> None:
        if self._greet is not None:
            self._greet(client)
        server = socket.create_connection(self._target)
        for connection in (client, server):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {client, server}
        ended: list[socket.socket] = []
        for one, other in ((client, server), (server, client)):
            thread = threading.Thread(target=self._pass, args=(one, other, ended), daemon=True)
            thread.start()

    def _pass(
        self, source: socket.socket, target: socket.socket, ended: list[socket.socket]
    ) -> None:
        """Pass one direction on to its end; whoever is the second to end closes both."""
        try:
            while data := source.recv(_CHUNK):
                self._flowing.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
            with self._lock:
                ended.append(source)
                both = len(ended) == 2
        except OSError:
            both = True
        if both:
            with self._lock:
                self._open -= {source, target}
            _reset(source)
            _reset(target)


def _reset(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RD)  # wakes a thread that reads, and sends nothing
    connection.close()


@contextmanager
def relay_to(port: int, greet: Greet | None = None) -> Iterator[Relay]:
    """Run a relay for the length of the block."""
    relay = Relay(port, greet)
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()

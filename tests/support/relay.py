"""A TCP relay before a server that cuts the line when the client says a certain thing."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

_ANSWER = 30.0


class Relay:
    """Passes bytes on both ways on a port of its own.

    `cuts` is how often it cut a line, `said` what clients said.
    """

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._word: bytes | None = None
        self._deliver = True
        self._then_refuse = False
        self._open: list[socket.socket] = []
        self._muted: socket.socket | None = None
        self._answered = threading.Event()
        self.cuts = 0
        self.said = bytearray()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close(self._listener, *self._open)

    def cut(self, *, after: bytes, deliver: bool, then_refuse: bool = False) -> None:
        """Cut the next line on which the client says `after`, once.

        With `deliver` the server hears it and answers, but the client never learns; else the
        server never hears it. With `then_refuse` nobody gets through any more.
        """
        self._word, self._deliver, self._then_refuse = after, deliver, then_refuse

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._open += [client, server]
                for source, target, says in ((client, server, True), (server, client, False)):
                    arguments = (source, target, says)
                    threading.Thread(target=self._pass_on, args=arguments, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, from_client: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if source is self._muted:
                    self._answered.set()
                    continue
                if from_client:
                    self.said += data
                if from_client and self._word is not None and self._word in data:
                    self._cut(data, source, target)
                    return
                target.sendall(data)
        self._close(source, target)

    def _cut(self, data: bytes, client: socket.socket, server: socket.socket) -> None:
        self._word = None
        self.cuts += 1
        if self._then_refuse:
            self._close(self._listener)
        if self._deliver:
            # The client must not hear the answer, nor learn of the cut before it was given: it
            # might end the server's session before what it said was done.
            self._muted = server
            server.sendall(data)
            self._answered.wait(_ANSWER)
        self._close(client, server)

    @staticmethod
    def _close(*channels: socket.socket) -> None:
        for channel in channels:
            with contextlib.suppress(OSError):
                channel.shutdown(socket.SHUT_RDWR)
            channel.close()

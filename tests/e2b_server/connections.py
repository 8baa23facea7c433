"""The server's TCP connections, so that a test can have one reset."""

import asyncio
import socket
import struct
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

Address = tuple[str, int]


class Connections:
    """Open connections by the client's address."""

    def __init__(self) -> None:
        self._open: dict[Address, asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """Return uvicorn's HTTP protocol, telling us of its connections."""
        opened = self._open

        class NotedProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
                super().connection_made(transport)
                if self.client is not None:
                    opened[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    opened.pop(self.client, None)
                super().connection_lost(exc)

        return NotedProtocol

    def end(self, client: Any, ending: str) -> None:
        """End a connection: `rst` at once, `fin` after what was already sent."""
        transport = self._open.get(cast("Address", tuple(client)))
        if transport is None:
            return
        if ending == "fin":
            transport.close()
            return
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def abort_all(self) -> None:
        """End what is still open when the server stops."""
        for transport in list(self._open.values()):
            transport.abort()

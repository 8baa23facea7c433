"""Carries out a fault on one request: wraps what the application receives and sends."""

import asyncio

from starlette.types import Message, Receive, Scope, Send

from tests.e2b_server.connections import Connections
from tests.e2b_server.faults import Fault


class FaultChannel:
    """The two directions of one HTTP exchange, with a fault in them."""

    def __init__(
        self, fault: Fault, connections: Connections, scope: Scope, receive: Receive, send: Send
    ) -> None:
        self._fault = fault
        self._connections = connections
        self._client = scope["client"]
        self._receive = receive
        self._send = send
        self._received = 0
        self._sent = 0
        self._over = False
        self._gone = asyncio.Event()
        limits = (fault.cut_response, fault.freeze, fault.truncate)
        self._limit = next((limit for limit in limits if limit is not None), None)

    async def receive(self) -> Message:
        """Pass the request on, up to the cut."""
        if self._over:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._gone.set()
        if self._fault.corrupt and self._received == 0 and message.get("body"):
            message["body"] = bytes(byte ^ 0xFF for byte in message["body"])
        limit = self._fault.cut_request
        body = message.get("body", b"")
        self._received += len(body)
        await self._keep_pace(body)
        if limit is None or message["type"] != "http.request":
            return message
        left = limit - (self._received - len(body))
        if len(body) >= left:
            self._cut()
            return {"type": "http.request", "body": body[:left], "more_body": True}
        return message

    async def send(self, message: Message) -> None:
        """Pass the response on, up to the cut, the freeze or the lie."""
        if self._over:
            return
        if message["type"] == "http.response.start":
            await self._send(self._started(message))
            return
        body: bytes = message.get("body", b"")
        if self._limit is None or self._sent + len(body) < self._limit:
            await self._pass(body, more=bool(message.get("more_body")))
            return
        self._over = True
        body = body[: self._limit - self._sent]
        lied = self._fault.truncate is not None
        if body or lied:
            await self._pass(body, more=not lied)
        if self._fault.freeze is not None:
            await self._freeze()
        elif not lied:
            self._cut()

    def _started(self, message: Message) -> Message:
        limit = self._fault.truncate
        if limit is None:
            return message
        headers = [
            (name, str(min(int(value), limit)).encode() if name == b"content-length" else value)
            for name, value in message["headers"]
        ]
        return {**message, "headers": headers}

    async def _pass(self, body: bytes, *, more: bool) -> None:
        if self._fault.corrupt_response and self._sent == 0:
            body = bytes(byte ^ 0xFF for byte in body)
        self._sent += len(body)
        await self._keep_pace(body)
        if self._fault.duplicate:
            body += body
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _keep_pace(self, body: bytes) -> None:
        if self._fault.bytes_per_second is not None:
            await asyncio.sleep(len(body) / self._fault.bytes_per_second)

    async def _freeze(self) -> None:
        """Wait until the fault is over, or the client has left."""
        waits = [asyncio.ensure_future(e.wait()) for e in (self._fault.thawed, self._gone)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    def _cut(self) -> None:
        self._over = True
        self._connections.end(self._client, self._fault.ending)

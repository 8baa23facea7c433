"""What the request being served belongs to: its sandbox, and whether its client is there."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field

from tests.e2b_server.sandboxes import TestSandbox


@dataclass(frozen=True)
class CurrentRequest:
    """Set by the gateway before it hands the request on."""

    sandbox: TestSandbox
    user: str = "user"
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)


CURRENT: ContextVar[CurrentRequest] = ContextVar("e2b_server_request")

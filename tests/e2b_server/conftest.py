"""Servers, and the SDK bound to one, for the tests of both."""

import inspect
from collections.abc import Iterator
from typing import Any

import e2b
import pytest

from tests.e2b_server.server import E2BServer, running_server

# What later SDKs do, and the oldest one that is supported does not.
HAS_KEYS = "idempotency_key" in inspect.signature(e2b.AsyncSandbox.create).parameters
needs_keys = pytest.mark.skipif(not HAS_KEYS, reason="an SDK older than idempotency keys")


def client_of(server: E2BServer, **parameters: Any) -> e2b.E2B:
    """Return the SDK, bound to a server."""
    return e2b.E2B(
        api_key=server.api_key,
        api_url=server.url,
        sandbox_url=parameters.pop("sandbox_url", server.url),
        **parameters,
    )


@pytest.fixture
def server() -> Iterator[E2BServer]:
    """Run a server of plain processes."""
    with running_server() as running:
        yield running


@pytest.fixture
def client(server: E2BServer) -> e2b.E2B:
    """Return the SDK, bound to the server."""
    return client_of(server)


@pytest.fixture
def sandbox(client: e2b.E2B) -> e2b.Sandbox:
    """Return a sandbox on the server."""
    return client.Sandbox.create(timeout=300)

"""E2B's sandbox keeps the sandbox contract, over the loopback server and the official SDK."""

from collections.abc import Iterator

import pytest

from osiris.remote.e2b_options import E2BAccount
from osiris.remote.e2b_sandbox import E2BSandboxProvider
from osiris.remote.sandbox import SandboxProvider
from tests.contracts.sandbox_contract import SandboxContract
from tests.e2b_server.back_ends import BackEnd, BubblewrapBackEnd, PlainBackEnd
from tests.e2b_server.server import E2BServer, running_server


class E2BContract(SandboxContract):
    back_end: BackEnd

    @pytest.fixture
    def server(self) -> Iterator[E2BServer]:
        with running_server(self.back_end) as running:
            yield running

    @pytest.fixture
    def provider(self, server: E2BServer) -> SandboxProvider:
        return E2BSandboxProvider(E2BAccount.from_environment(server.environment()))


class TestPlain(E2BContract):
    back_end = PlainBackEnd()


@pytest.mark.usefixtures("bubblewrap")
class TestBubblewrap(E2BContract):
    back_end = BubblewrapBackEnd()

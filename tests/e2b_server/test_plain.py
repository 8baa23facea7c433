"""The server of plain processes behaves as envd does."""

import e2b
import pytest

from tests.e2b_server.envd_behaviour import EnvdBehaviour, PassTime
from tests.e2b_server.server import E2BServer


class TestPlain(EnvdBehaviour):
    @pytest.fixture
    def sandbox(self, client: e2b.E2B) -> e2b.Sandbox:
        return client.Sandbox.create(timeout=300)

    @pytest.fixture
    def pass_time(self, server: E2BServer) -> PassTime:
        return server.pass_time

"""The E2B adapter keeps the adapter contract, over the loopback server and the official SDK."""

from collections.abc import Iterator

import pytest

from osiris.core.execution_adapter import ExecutionAdapter
from osiris.remote.e2b_adapter import e2b_adapter
from tests.contracts.adapter_contract import AdapterContract
from tests.e2b_server.back_ends import BackEnd, BubblewrapBackEnd, PlainBackEnd
from tests.e2b_server.server import E2BServer, running_server
from tests.e2b_server.templates import with_this_python
from tests.support.debian import ensure_programs


class E2BAdapterContract(AdapterContract):
    back_end: BackEnd

    @pytest.fixture
    def server(self) -> Iterator[E2BServer]:
        with running_server(self.back_end) as running:
            running.add_template("ready", with_this_python())
            yield running

    @pytest.fixture
    def adapter(self, server: E2BServer) -> Iterator[ExecutionAdapter]:
        yield e2b_adapter(server.environment(), template="ready")
        assert not server.living()


class TestPlain(E2BAdapterContract):
    back_end = PlainBackEnd()


class TestBubblewrap(E2BAdapterContract):
    back_end = BubblewrapBackEnd()

    @pytest.fixture(autouse=True)
    def _bubblewrap(self) -> None:
        ensure_programs({"bwrap": "bubblewrap"})

"""Runs in every sandbox keep the adapter contract, near and far, over good lines and bad ones."""

import pytest

from osiris.core.execution_adapter import ExecutionAdapter
from osiris.remote.choices import SandboxChoices
from osiris.remote.e2b_transparent_proxy import E2BTransparentProxy
from osiris.remote.sandbox_adapter import sandbox_adapter
from tests.contracts.adapter_contract import AdapterContract
from tests.support.sandboxes import ChaosSandbox, FarProvider


class TestProcessSandbox(AdapterContract):
    @pytest.fixture
    def adapter(self) -> ExecutionAdapter:
        return sandbox_adapter("process")


@pytest.mark.usefixtures("bubblewrap")
class TestBubblewrapSandbox(AdapterContract):
    @pytest.fixture
    def adapter(self) -> ExecutionAdapter:
        return sandbox_adapter()


class TestSandboxElsewhere(AdapterContract):
    """All is brought in as an archive and fetched in parts."""

    @pytest.fixture
    def adapter(self) -> ExecutionAdapter:
        return E2BTransparentProxy(FarProvider())


class TestSandboxBehindABadLine(AdapterContract):
    @pytest.fixture
    def adapter(self) -> ExecutionAdapter:
        provider = FarProvider(lambda inner: ChaosSandbox(inner, seed=7))
        return E2BTransparentProxy(provider, SandboxChoices(patience=30.0))

"""The tests' own sandboxes keep the contract of the real ones, so what they show is true."""

import pytest

from osiris.remote.sandbox import SandboxProvider
from tests.contracts.sandbox_contract import SandboxContract
from tests.support.sandboxes import ChaosSandbox, FarProvider


class TestFarSandbox(SandboxContract):
    @pytest.fixture
    def provider(self) -> SandboxProvider:
        return FarProvider()


class TestChaosWithoutMischief(SandboxContract):
    @pytest.fixture
    def provider(self) -> SandboxProvider:
        return FarProvider(lambda inner: ChaosSandbox(inner, life=1e9, failing=-1.0))

"""The local adapter keeps the adapter contract."""

import pytest

from osiris.core.execution_adapter import ExecutionAdapter
from osiris.core.local_adapter import LocalAdapter
from tests.contracts.adapter_contract import AdapterContract


class TestLocalAdapter(AdapterContract):
    @pytest.fixture
    def adapter(self) -> ExecutionAdapter:
        return LocalAdapter()

"""The third party's sample components keep the driver contract."""

from typing import Any

import pytest

from tests.contracts.driver_contract import DriverContract


class TestSampleSource(DriverContract):
    component = "sample.source"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"rows": 7}


class TestSampleMapper(DriverContract):
    component = "sample.mapper"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {}


class TestSampleSink(DriverContract):
    component = "sample.sink"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {}

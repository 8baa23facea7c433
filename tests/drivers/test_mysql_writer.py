"""The driver of mysql.writer: the contract of every driver, and its connection tried."""

from pathlib import Path
from typing import Any

import pytest

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.errors import AuthenticationError
from osiris.drivers.mysql_writer import MySQLWriterDriver
from tests.conftest import Database
from tests.contracts.driver_contract import DriverContract


class TestContract(DriverContract):
    component = "mysql.writer"

    @pytest.fixture
    def options(self, database: Database) -> dict[str, Any]:
        return {"connection": database.connection(), "table": "t", "create_if_missing": True}


class TestReplaceContract(DriverContract):
    component = "mysql.writer"

    @pytest.fixture
    def options(self, database: Database) -> dict[str, Any]:
        database.execute("CREATE TABLE t (id BIGINT, text LONGTEXT)")
        return {"connection": database.connection(), "table": "t", "write_mode": "replace"}


def test_the_connection_can_be_tried(database: Database, tmp_path: Path) -> None:
    given = database.connection()
    MySQLWriterDriver().check_connection(MySQLConnection.model_validate(given), tmp_path)
    wrong = MySQLConnection.model_validate({**given, "password": "wrong"})
    with pytest.raises(AuthenticationError):
        MySQLWriterDriver().check_connection(wrong, tmp_path)

"""The driver of supabase.extractor keeps the contract; it reads by PostgreSQL, and only so."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from osiris.components.supabase_extractor import COMPONENT
from osiris.core.errors import TlsError
from tests.contracts.driver_contract import DriverContract
from tests.support.driver_run import DriverRun
from tests.support.postgres import PostgresDatabase

TABLE = "CREATE TABLE t AS SELECT i AS a, 'x' || i AS b FROM generate_series(1, 50) AS i"


class TestContract(DriverContract):
    component = "supabase.extractor"

    @pytest.fixture
    def options(self, pg: PostgresDatabase) -> dict[str, Any]:
        pg.execute(TABLE)
        return {"connection": pg.connection(), "table": "t"}


def _read(root: Path, **options: Any) -> pa.Table:
    table: pa.Table = DriverRun(root).run(COMPONENT, {}, **options)["df"].read_all()
    return table


def test_the_connection_is_encrypted_if_not_told_otherwise(
    pg: PostgresDatabase, tmp_path: Path
) -> None:
    pg.execute(f"{TABLE}; GRANT SELECT ON t TO tls_only")
    login = {**pg.connection(), "user": "tls_only"}
    partition = {"column": "a", "parts": 3}
    table = _read(tmp_path, connection=login, table="t", columns=["b"], partition=partition)
    assert table["b"].to_pylist() == [f"x{i}" for i in range(1, 51)]
    plain = {**login, "tls": {"mode": "disabled"}}
    with pytest.raises(TlsError):
        _read(tmp_path, connection=plain, query="SELECT a FROM t")


def test_the_database_is_read_where_rest_is_given_too(pg: PostgresDatabase, tmp_path: Path) -> None:
    both = {**pg.connection(), "url": "https://127.0.0.1:1", "key": "k"}
    assert _read(tmp_path, connection=both, query="SELECT 1 AS one").to_pylist() == [{"one": 1}]


def test_rest_alone_is_not_enough(tmp_path: Path) -> None:
    rest = {"url": "https://x.supabase.co", "key": "k"}
    with pytest.raises(ValidationError, match="reading needs a PostgreSQL connection"):
        _read(tmp_path, connection=rest, table="t")

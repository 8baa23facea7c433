"""Looking into MariaDB: what the server says of its tables, to whom, and for how long."""

import time
from pathlib import Path
from typing import Any

import pytest

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import AuthenticationError, StepTimeoutError, TransientStepError
from osiris.drivers.mysql.lookup import Lookup
from tests.conftest import Database
from tests.contracts.discoverer_contract import DiscovererContract, Source, project_with, rows_of
from tests.support.mysql import shown_type

TABLES = """
CREATE TABLE customers (
  id BIGINT UNSIGNED PRIMARY KEY COMMENT 'given by us',
  email VARCHAR(50) UNIQUE KEY, api_token VARCHAR(50), name VARCHAR(20) NOT NULL,
  tier ENUM('a', 'b'), note TEXT
) COMMENT 'who buys';
INSERT INTO customers VALUES (1, 'ann@x.org', 'abc', 'Ann', 'a', NULL),
  (2, 'bob@x.org', NULL, 'Bob', 'b', 'x');
CREATE TABLE orders (
  id INT PRIMARY KEY, customer BIGINT UNSIGNED,
  CONSTRAINT of_customer FOREIGN KEY (customer) REFERENCES customers (id)
);
CREATE VIEW names AS SELECT name FROM customers;
CREATE TABLE `odd"'name` (`${x}` DECIMAL(40, 3), t TINYINT(1), d DATETIME(6), b BLOB, f FLOAT);
"""


def _source(database: Database, root: Path, **changes: Any) -> Source:
    fields = {**database.connection(), **changes}
    project_with(root, "@mysql.shop", fields)
    return Source(root, "@mysql.shop", fields, database.name)


@pytest.fixture
def source(database: Database, tmp_path: Path) -> Source:
    """A database of two tables that belong together, a view, and an odd one."""
    database.script(TABLES)
    return _source(database, tmp_path)


class TestMySQL(DiscovererContract):
    component = "mysql.extractor"

    @pytest.fixture
    def source(self, source: Source) -> Source:
        return source


def test_native_types_comments_and_estimates(source: Source) -> None:
    (found,) = source.discover(tables=["customers"]).tables
    assert found.comment == "who buys"
    assert found.estimated_rows == 2
    first, *_, tier, _note = found.columns
    assert (first.native_type, first.arrow_type) == (
        shown_type("bigint(20) unsigned"),
        "uint64",
    )
    assert first.comment == "given by us"
    assert tier.native_type == "enum('a','b')"


def test_names_that_differ_only_in_case_are_kept_apart(database: Database, tmp_path: Path) -> None:
    database.script("CREATE TABLE item (a INT); CREATE TABLE ITEM (b INT PRIMARY KEY, c INT)")
    found = {table.name: table for table in _source(database, tmp_path).discover().tables}
    assert [column.name for column in found["item"].columns] == ["a"]
    assert [column.name for column in found["ITEM"].columns] == ["b", "c"]
    assert not found["item"].keys


def test_many_tables_are_described_like_few(source: Source, database: Database) -> None:
    database.script("".join(f"CREATE TABLE more_{i} (i INT PRIMARY KEY);" for i in range(6)))
    every = {table.name: table for table in source.discover().tables}
    assert len(every) == 10
    for name in ("customers", "orders", "odd\"'name"):
        (alone,) = source.discover(tables=[name]).tables
        assert every[name] == alone


def test_a_broken_view_is_told_and_the_rest_is_found(source: Source, database: Database) -> None:
    database.script(
        "CREATE TABLE gone (x INT); CREATE VIEW broken AS SELECT x FROM gone; DROP TABLE gone"
    )
    found = {table.name: table for table in source.discover(samples=1).tables}
    assert "references invalid table" in " ".join(found["broken"].problems)
    assert found["broken"].read is None
    assert len(rows_of(found["customers"])) == 1


def test_who_may_read_one_column_sees_that_one(database: Database, tmp_path: Path) -> None:
    database.script(TABLES)
    database.script(
        f"CREATE USER {database.name}_few IDENTIFIED BY 'few';"
        f"GRANT SELECT (id, note) ON {database.name}.customers TO {database.name}_few"
    )
    source = _source(database, tmp_path, user=f"{database.name}_few", password="few-wrong")
    with pytest.raises(AuthenticationError):
        source.discover()
    source = _source(database, tmp_path, user=f"{database.name}_few", password="few")
    (found,) = source.discover(samples=2).tables
    assert [column.name for column in found.columns] == ["id", "note"]
    assert found.read == {"table": "customers", "columns": ["id", "note"]}
    assert not found.problems


def test_another_database_is_read_by_a_query(source: Source, database: Database) -> None:
    database.server.execute(f"CREATE DATABASE {database.name}_other")
    try:
        database.server.execute(f"CREATE TABLE {database.name}_other.t (`a``b` INT)")
        (found,) = source.discover(schema=f"{database.name}_other").tables
    finally:
        database.server.execute(f"DROP DATABASE {database.name}_other")
    assert found.read == {"query": f"SELECT `a``b` FROM `{database.name}_other`.`t`"}


def test_a_slow_view_takes_no_longer_than_allowed_and_ends_on_the_server(
    source: Source, database: Database
) -> None:
    database.script("CREATE VIEW slow AS SELECT SLEEP(60) AS s FROM customers")
    started = time.monotonic()
    with pytest.raises(StepTimeoutError):
        source.discover(tables=["slow"], samples=1, seconds=2)
    assert time.monotonic() - started < 30
    deadline = time.monotonic() + 30
    running = f"SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{database.name}'"
    while database.server.execute(running) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_server_refuses_to_change_anything(source: Source, database: Database) -> None:
    """A view that calls a function that writes would change data if the session could."""
    database.server.script(
        "DELIMITER //\nCREATE FUNCTION noted() RETURNS INT MODIFIES SQL DATA BEGIN"
        " INSERT INTO orders VALUES (99, NULL); RETURN 1; END//\nDELIMITER ;\n"
        "CREATE VIEW writing AS SELECT noted() AS n;",
        database.name,
    )
    (found,) = source.discover(tables=["writing"], samples=1).tables
    assert "READ ONLY" in " ".join(found.problems).upper()
    assert database.execute("SELECT COUNT(*) FROM orders") == [(0,)]


def test_the_password_is_in_no_sample(source: Source, database: Database) -> None:
    database.execute(
        "INSERT INTO customers VALUES (3, NULL, NULL, 'Eve', NULL, 'it is s3cret-Pa$$''w\"rd')"
    )
    (found,) = source.discover(tables=["customers"], samples=3).tables
    assert "it is ***" in [row["note"] for row in rows_of(found)]


# The digits, eleven times: a sum that takes minutes.
DIGITS = " UNION ALL ".join(f"SELECT {digit} AS i" for digit in range(10))
JOINED = [f"d AS d{number}" for number in range(11)]


def test_the_server_itself_stops_what_takes_too_long(database: Database) -> None:
    connection = MySQLConnection.model_validate(database.connection())
    with Lookup(connection, base_dir=Path(), seconds=0.5, cancelled=CancelToken()) as lookup:
        with pytest.raises(TransientStepError, match=r"max_(statement|execution)_time"):
            lookup.rows(f"WITH d AS ({DIGITS}) SELECT COUNT(*) AS n FROM {', '.join(JOINED)}")
        assert lookup.usable()

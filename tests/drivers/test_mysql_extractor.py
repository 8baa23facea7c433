"""The driver of mysql.extractor: the contract, the table it names, and what it tells."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.components.mysql_extractor import MySQLExtractorConfig
from osiris.core.cancel import CancelToken
from osiris.core.driver import DriverContext
from osiris.core.errors import ConfigError, DataError
from osiris.core.events import DataWarning, StepEvent
from osiris.core.metrics import MetricName
from osiris.drivers.mysql_extractor import MySQLExtractorDriver, table_query
from tests.conftest import Database
from tests.contracts.driver_contract import DriverContract


class TestContract(DriverContract):
    component = "mysql.extractor"

    @pytest.fixture
    def options(self, database: Database) -> dict[str, Any]:
        database.execute("CREATE TABLE t (a INT, d DATE)")
        database.execute("INSERT INTO t VALUES (1, '2024-01-01'), (2, NULL)")
        return {"connection": database.connection(), "table": "t"}


class _Told:
    """A context that keeps what a driver tells."""

    def __init__(self, directory: Path) -> None:
        self.events: list[StepEvent] = []
        self.metrics: list[tuple[MetricName, float]] = []
        self.cancelled = CancelToken()
        self.context = DriverContext(
            output_dir=directory,
            base_dir=directory,
            spill_dir=directory,
            log_event=self.events.append,
            log_metric=lambda name, value: self.metrics.append((name, value)),
            cancelled=self.cancelled,
        )


@pytest.fixture
def told(tmp_path: Path) -> _Told:
    return _Told(tmp_path)


def _reader(database: Database, told: _Told, **options: Any) -> pa.RecordBatchReader:
    connection = options.pop("connection", database.connection())
    config = MySQLExtractorConfig.model_validate({"connection": connection, **options})
    driver = MySQLExtractorDriver()
    reader = driver.run(step_id="s", config=config, inputs={}, ctx=told.context)["df"]
    assert isinstance(reader, pa.RecordBatchReader)
    return reader


def _rows(database: Database, told: _Told, **options: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = _reader(database, told, **options).read_all().to_pylist()
    return rows


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


NAMES = (
    "plain",
    "select",
    "two words",
    "a.b",
    "tick`tick",
    "`",
    "quote'\"",
    "ünï漢",
    "%s",
    "$x",
    "1",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_are_taken_as_they_are(database: Database, told: _Told, name: str) -> None:
    quoted = _quoted(name)
    column = _quoted(name + "c")
    # PyMySQL replaces nothing in a statement that has no parameters.
    database.execute(f"CREATE TABLE {quoted} ({column} INT, other INT)")
    database.execute(f"INSERT INTO {quoted} VALUES (1, 2)")
    assert _rows(database, told, table=name) == [{name + "c": 1, "other": 2}]
    assert _rows(database, told, table=name, columns=[name + "c"]) == [{name + "c": 1}]
    assert _rows(database, told, table=name, columns=["other", name + "c"], limit=1) == [
        {"other": 2, name + "c": 1}
    ]


def test_a_name_that_the_server_cannot_have(database: Database, told: _Told) -> None:
    with pytest.raises(ConfigError) as caught:
        _rows(database, told, table="😀")
    assert "MySQL error" in caught.value.message


@pytest.mark.parametrize("limit", [0, 1, 3, 10, None])
def test_limit(database: Database, told: _Told, limit: int | None) -> None:
    database.script("CREATE TABLE t (a INT PRIMARY KEY); INSERT INTO t VALUES (1), (2), (3), (4)")
    found = [row["a"] for row in _rows(database, told, table="t", limit=limit)]
    assert found == [1, 2, 3, 4][:limit]


def test_the_query_of_a_table() -> None:
    connection = {"user": "u"}
    config = {"connection": connection, "table": "a`b", "columns": ["x", "y`"], "limit": 0}
    query = table_query(MySQLExtractorConfig.model_validate(config))
    assert query == "SELECT `x`, `y``` FROM `a``b` LIMIT 0"
    plain = MySQLExtractorConfig.model_validate({"connection": connection, "table": "t"})
    assert table_query(plain) == "SELECT * FROM `t`"


def test_a_query_is_sent_as_it_is(database: Database, told: _Told) -> None:
    query = "SELECT '100 %' AS `a%`, 'x%sy' AS b, '%(c)s' AS c WHERE 'abc' LIKE '%b%'"
    assert _rows(database, told, query=query) == [{"a%": "100 %", "b": "x%sy", "c": "%(c)s"}]


def test_dates_read_as_null_are_told(database: Database, told: _Told) -> None:
    database.script(
        "SET sql_mode = ''; CREATE TABLE t (a DATE, b DATETIME, c DATE);"
        "INSERT INTO t VALUES ('0000-00-00', '2024-00-01', NULL), ('2024-01-00', NULL, '2024-1-1')"
    )
    reader = _reader(database, told, table="t")
    assert told.events == []
    assert reader.read_all().num_rows == 2
    assert [
        (event.code, event.count) for event in told.events if isinstance(event, DataWarning)
    ] == [
        ("mysql.zero_dates", 2),
        ("mysql.zero_dates", 1),
    ]
    assert "column 'a': 2 zero or impossible dates" in told.events[0].data()["message"]
    assert told.metrics == [(MetricName.VALUES_NULLED, 3)]


def test_nothing_is_told_when_nothing_was_changed(database: Database, told: _Told) -> None:
    _rows(database, told, query="SELECT DATE '2024-01-01' AS d, NULL AS n")
    assert told.events == []
    assert told.metrics == []


def test_options_reach_the_reader(database: Database, told: _Told) -> None:
    database.script("CREATE TABLE t (a TINYINT(1)); INSERT INTO t VALUES (1), (0), (NULL)")
    assert _reader(database, told, table="t").schema.field("a").type == pa.int8()
    reader = _reader(database, told, table="t", tinyint1="bool")
    assert reader.read_all()["a"].to_pylist() == [True, False, None]


def test_an_error_while_reading_arrives_as_itself(database: Database, told: _Told) -> None:
    sql = "SELECT (SELECT seq FROM seq_1_to_2 WHERE s.seq > 90000) AS a FROM seq_1_to_100000 AS s"
    reader = _reader(database, told, query=sql)
    with pytest.raises(DataError, match="more than one row"):
        reader.read_all()


def test_a_reader_that_nobody_reads_does_not_stay_connected(
    database: Database, told: _Told
) -> None:
    database.execute("CREATE TABLE t (a INT)")
    reader = _reader(database, told, table="t")
    del reader
    database.execute("SET lock_wait_timeout = 5")
    database.execute("DROP TABLE t")  # would wait for the transaction of an open connection
    told.cancelled.cancel()


def test_tls_files_lie_beside_the_pipeline(database: Database, told: _Told) -> None:
    (told.context.base_dir / "my-ca.pem").write_bytes(database.server.certificates.ca.read_bytes())
    tls = {"mode": "verify_identity", "ca": "my-ca.pem"}
    connection = {**database.connection(), "tls": tls}
    assert _rows(database, told, query="SELECT 1 AS a", connection=connection) == [{"a": 1}]

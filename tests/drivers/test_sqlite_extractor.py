"""The driver of sqlite.extractor: the contract, types and misfits, logs, locks, damage, an end."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, datetime
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import ValidationError

from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import (
    CancelledError,
    ConfigError,
    DataError,
    StepError,
    TransientStepError,
)
from tests.contracts.driver_contract import DriverContract
from tests.support.debian import ensure_programs
from tests.support.driver_run import DriverRun

EXTRACTOR = DriverRegistry().component("sqlite.extractor")


def database(path: Path, script: str = "", *, wal: bool = False) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    if wal:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(script)
    return connection


def made(root: Path, script: str) -> None:
    with closing(database(root / "t.db", script)):
        pass


def read(root: Path, query: str = "SELECT * FROM t", **options: Any) -> pa.Table:
    given = {"query": query} if "table" not in options else {}
    outputs = DriverRun(root).run(EXTRACTOR, {}, path="t.db", **given, **options)
    with outputs["df"] as reader:
        table: pa.Table = reader.read_all()
    return table


class TestContract(DriverContract):
    component = "sqlite.extractor"

    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        made(tmp_path, "CREATE TABLE t (id INTEGER, s TEXT); INSERT INTO t VALUES (1, 'a')")
        return {"path": "t.db", "table": "t"}


# --- types ---

KINDS: dict[str, tuple[str, str, pa.DataType, list[Any]]] = {
    "integers": (
        "INTEGER",
        "-9223372036854775808, 9223372036854775807",
        pa.int64(),
        [-(2**63), 2**63 - 1],
    ),
    "unsigned": ("UNSIGNED BIG INT", "1", pa.int64(), [1]),
    "boolean": ("BOOLEAN", "0, 1", pa.bool_(), [False, True]),
    "varchar": ("VARCHAR(20)", "'', 'žluť 🐎'", pa.string(), ["", "žluť 🐎"]),
    "NUL": ("TEXT", "'a' || char(0) || 'b'", pa.string(), ["a\0b"]),
    "json": ("JSON", "'{}'", pa.string(), ["{}"]),
    "blob": ("BLOB", "x'', x'00ff'", pa.binary(), [b"", b"\0\xff"]),
    "real": ("DOUBLE PRECISION", "1, 1e308, 9e999", pa.float64(), [1.0, 1e308, float("inf")]),
    "numeric": ("NUMERIC", "1, 1.5", pa.float64(), [1.0, 1.5]),
    "decimal": (
        "DECIMAL(10, 2)",
        "12.34, 5, '0.10'",
        pa.decimal128(10, 2),
        [Decimal("12.34"), Decimal("5.00"), Decimal("0.10")],
    ),
    "long decimal": ("NUMERIC(50)", "7", pa.decimal256(50, 0), [Decimal(7)]),
    "date": ("DATE", "'2024-02-29'", pa.date32(), [date(2024, 2, 29)]),
    "time": ("TIME", "'03:04:05.000006'", pa.time64("us"), [clock(3, 4, 5, 6)]),
    "datetime": (
        "DATETIME",
        "'2024-01-02 03:04:05.000006', '2024-01-02T03:04', '2024-01-02'",
        pa.timestamp("us"),
        [datetime(2024, 1, 2, 3, 4, 5, 6), datetime(2024, 1, 2, 3, 4), datetime(2024, 1, 2)],  # noqa: DTZ001 - the type has no zone
    ),
    "undeclared integers": ("", "1, 2", pa.int64(), [1, 2]),
    "undeclared numbers": ("", "1, 2.5", pa.float64(), [1.0, 2.5]),
    "undeclared blob": ("", "x'00'", pa.binary(), [b"\0"]),
    "another name": ("GEOMETRY", "'POINT'", pa.string(), ["POINT"]),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_declared_type(tmp_path: Path, name: str) -> None:
    declared, values, kind, expected = KINDS[name]
    rows = ", ".join(f"({value})" for value in values.split(", "))
    made(tmp_path, f"CREATE TABLE t (c {declared}); INSERT INTO t VALUES {rows}, (NULL)")
    found = read(tmp_path)
    assert found.schema.types == [kind]
    assert found["c"].to_pylist() == [*expected, None]
    assert read(tmp_path, "SELECT c FROM t LIMIT 0").num_rows == 0


def test_an_expression_is_as_its_values_are(tmp_path: Path) -> None:
    made(tmp_path, "CREATE TABLE t (i INTEGER); INSERT INTO t VALUES (1), (2)")
    found = read(tmp_path, "SELECT count(*) n, avg(i) a, 'x' || max(i) x, NULL z FROM t")
    assert found.to_pydict() == {"n": [2], "a": [1.5], "x": ["x2"], "z": [None]}
    assert found.schema.field("z").type == pa.string()


MISFITS = {
    "text in INTEGER": ("INTEGER", "'many'", "'many' (text) does not fit bigint"),
    "real in INTEGER": ("INTEGER", "1.5", "'1.5' (real) does not fit bigint"),
    "blob in TEXT": ("TEXT", "x'41'", "\"b'A'\" (blob) does not fit string"),
    "text in BLOB": ("BLOB", "'a'", "'a' (text) does not fit binary"),
    "text in REAL": ("REAL", "'a'", "'a' (text) does not fit double"),
    "long integer in NUMERIC": ("NUMERIC", "9007199254740993", "does not fit double"),
    "2 in BOOLEAN": ("BOOLEAN", "2", "'2' (integer) does not fit boolean"),
    "digits": ("DECIMAL(4, 1)", "1.25", "'1.25' (real) does not fit decimal(4,1)"),
    "no decimal": ("DECIMAL(4, 1)", "'x'", "'x' (text) does not fit decimal(4,1)"),
    "number in DATE": ("DATE", "20240101", "(integer) does not fit date"),
    "no date": ("DATE", "'2023-02-29'", "'2023-02-29' (text) does not fit date"),
    "no time": ("TIME", "'25:00'", "does not fit time"),
    "a zone": ("DATETIME", "'2024-01-01T00:00:00Z'", "does not fit timestamp"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_value_that_is_not_of_its_columns_type(tmp_path: Path, name: str) -> None:
    declared, value, told = MISFITS[name]
    filled = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 700)"
    made(
        tmp_path,
        f"CREATE TABLE t (id INTEGER, c {declared}); INSERT INTO t {filled} SELECT i, NULL FROM n;"
        f"INSERT INTO t VALUES (701, {value}), (702, {value})",
    )
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert caught.value.message.startswith("t.db: row 701, column 'c': ")
    assert told in caught.value.message
    every = "binary" if "blob" in told else "string"
    assert f"types: {{c: {every}}}" in (caught.value.hint or "")
    assert read(tmp_path, types={"c": every}).num_rows == 702


def test_types_are_named(tmp_path: Path) -> None:
    made(tmp_path, "CREATE TABLE t (c, d TEXT, e); INSERT INTO t VALUES (1, '2024-01-01', 'a')")
    types = {"c": "decimal(5,2)", "d": "date", "e": "blob"}
    found = read(tmp_path, types=types)
    assert found.to_pylist() == [{"c": Decimal("1.00"), "d": date(2024, 1, 1), "e": b"a"}]
    assert read(tmp_path, "SELECT 1.5 AS c, x'41' AS d", types=dict.fromkeys("cd", "string"))[
        "d"
    ].to_pylist() == ["A"]
    with pytest.raises(ConfigError, match="`types` names 'x', which the result does not have"):
        read(tmp_path, types={"x": "date"})
    with pytest.raises(DataError, match=r"300' .integer. does not fit tinyint"):
        read(tmp_path, "SELECT 300 AS c", types={"c": "tinyint"})


def test_values_of_several_kinds_need_a_type(tmp_path: Path) -> None:
    made(tmp_path, "CREATE TABLE t (c); INSERT INTO t VALUES (1), ('a')")
    with pytest.raises(DataError, match="column 'c' declares no type and has values of several"):
        read(tmp_path)
    assert read(tmp_path, types={"c": "string"})["c"].to_pylist() == ["1", "a"]


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    made(
        tmp_path,
        "CREATE TABLE t (b BLOB, c TEXT);"
        "INSERT INTO t VALUES (x'ff', 'ok'), (x'ff', CAST(x'61ff' AS TEXT))",
    )
    with pytest.raises(DataError, match=r"t\.db: row 2, column 'c': the text is not UTF-8"):
        read(tmp_path)
    found = read(tmp_path, "SELECT CAST(c AS BLOB) AS c FROM t")
    assert found["c"].to_pylist() == [b"ok", b"a\xff"]


# --- tables, names, queries ---


def test_odd_names(tmp_path: Path) -> None:
    columns = ['select "x"', "É'", "a.b", "-"]
    declared = ", ".join('"' + name.replace('"', '""') + '" TEXT' for name in columns)
    made(tmp_path, f'CREATE TABLE "order" ({declared}); INSERT INTO "order" VALUES (1, 2, 3, 4)')
    assert read(tmp_path, table="order").to_pylist() == [dict(zip(columns, "1234", strict=True))]
    assert read(tmp_path, table="ORDER", columns=["-", "É'"]).column_names == ["-", "É'"]


def test_generated_columns_and_views(tmp_path: Path) -> None:
    made(
        tmp_path,
        "CREATE TABLE t (i INTEGER, j INTEGER GENERATED ALWAYS AS (i * 2));"
        "INSERT INTO t VALUES (2); CREATE VIEW v AS SELECT j FROM t",
    )
    assert read(tmp_path, table="t").to_pydict() == {"i": [2], "j": [4]}
    assert read(tmp_path, table="v").to_pydict() == {"j": [4]}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no table": ({"table": "none"}, "there is no table 'none'"),
    "no column": ({"table": "t", "columns": ["i", "no"]}, "table 't' has no column 'no'"),
    "no such table": ({"query": "SELECT * FROM none"}, "no such table: none"),
    "syntax": ({"query": "SELECT FROM"}, "syntax error"),
    "two": ({"query": "SELECT 1; DELETE FROM t"}, "one statement at a time"),
    "no query": ({"query": "DELETE FROM t"}, "syntax error"),
    "doubled": ({"query": "SELECT 1 AS a, 2 AS a"}, "several columns named a"),
    "function": ({"query": "SELECT load_extension('x')"}, "not authorized"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(tmp_path: Path, name: str) -> None:
    options, told = REFUSED[name]
    made(tmp_path, "CREATE TABLE t (i INTEGER); INSERT INTO t VALUES (1)")
    with pytest.raises((ConfigError, sqlite3.Warning)) as caught:
        read(tmp_path, **options)
    assert told in str(caught.value)
    assert read(tmp_path).num_rows == 1


@pytest.mark.parametrize(
    "options",
    [
        {"query": "SELECT 1", "table": "t"},
        {},
        {"query": "SELECT 1", "columns": ["a"]},
        {"table": "t", "columns": ["a", "a"]},
        {"table": "t", "types": {"a": "geometry"}},
    ],
    ids=str,
)
def test_options_that_do_not_go_together(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EXTRACTOR.config.model_validate({"path": "t.db", **options})


# --- files ---


def _not_there(path: Path) -> None:
    path.unlink()


def _text(path: Path) -> None:
    path.write_text("id,name\n" * 300)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _cut(path: Path) -> None:
    os.truncate(path, 5000)


def _garbled(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:] = b"\x07" * (len(data) - 4096)
    path.write_bytes(data)


@pytest.mark.parametrize(
    "breaking, error",
    [
        (_not_there, ConfigError),
        (_text, DataError),
        (_directory, ConfigError),
        (_cut, DataError),
        (_garbled, DataError),
    ],
)
def test_a_file_that_cannot_be_read(
    tmp_path: Path, breaking: Callable[[Path], None], error: type[StepError]
) -> None:
    made(tmp_path, "CREATE TABLE t (i INTEGER, s TEXT); INSERT INTO t VALUES (1, 'a')")
    with closing(database(tmp_path / "t.db")) as connection, connection:
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(i, "x" * 99) for i in range(500)])
    breaking(tmp_path / "t.db")
    with pytest.raises(error, match=r"^(cannot read )?t\.db[: ]"):
        read(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} <= {"t.db", "artifacts", "spill"}


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A database whose only row is in its write-ahead log, and the program that wrote it."""
    with closing(database(tmp_path / "t.db", wal=True)) as connection:
        connection.executescript("CREATE TABLE t (i INTEGER); INSERT INTO t VALUES (7)")
        yield connection


def test_a_write_ahead_log_is_read(tmp_path: Path, logged: sqlite3.Connection) -> None:
    assert read(tmp_path).to_pydict() == {"i": [7]}
    reader = DriverRun(tmp_path).run(EXTRACTOR, {}, path="t.db", table="t")["df"]
    with logged:
        logged.execute("INSERT INTO t VALUES (8)")
    assert reader.read_all().to_pydict() == {"i": [7]}
    assert read(tmp_path).to_pydict() == {"i": [7, 8]}


@pytest.mark.parametrize("suffixes", [["", "-wal"], ["", "-wal", "-shm"], [""]])
def test_a_write_ahead_log_where_nothing_can_be_written(
    tmp_path: Path, logged: sqlite3.Connection, suffixes: list[str]
) -> None:
    """As in a sandbox, where the files alone are shown; also when its last writer is gone."""
    ensure_programs({"bwrap": "bubblewrap"})
    if suffixes == [""]:
        logged.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    place = tmp_path / "shown"
    place.mkdir()
    for suffix in suffixes:
        shutil.copyfile(tmp_path / f"t.db{suffix}", place / f"t.db{suffix}")
    program = (
        "import sys, pathlib; from tests.drivers.test_sqlite_extractor import *\n"
        f"step = DriverRun(pathlib.Path({str(tmp_path / 'step')!r}))\n"
        f"options = {{'path': {str(place / 't.db')!r}, 'table': 't'}}\n"
        "print(step.run(EXTRACTOR, {}, **options)['df'].read_all().to_pydict())"
    )
    command = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(place), str(place)]
    done = subprocess.run(
        [*command, sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "{'i': [7]}", done.stderr


def test_a_lock_is_waited_for_and_then_told(tmp_path: Path) -> None:
    with closing(database(tmp_path / "t.db", "CREATE TABLE t (i INTEGER)")) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TransientStepError, match="database is locked"):
            read(tmp_path, busy_timeout=0)
        waiting = threading.Thread(target=lambda: read(tmp_path, busy_timeout=60))
        waiting.start()
        writer.rollback()
        waiting.join(60)
        assert not waiting.is_alive()


# --- an end, memory ---


def test_a_query_that_returns_nothing_for_long_can_be_stopped(tmp_path: Path) -> None:
    made(tmp_path, "CREATE TABLE t (i INTEGER)")
    step = DriverRun(tmp_path)
    threading.Timer(0.3, lambda: step.cancelled.cancel(CancelledError("stop"))).start()
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) m FROM n"
    )
    start = time.monotonic()
    with pytest.raises(CancelledError):
        step.run(EXTRACTOR, {}, path="t.db", query=endless)
    assert time.monotonic() - start < 60


_BOUNDED = """
import pathlib, sys
from tests.drivers.test_sqlite_extractor import EXTRACTOR, DriverRun
from osiris.core.memory import peak_memory_bytes

def peak(rows):
    query = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
             "SELECT i, printf('%%0200d', i) AS s FROM n" % rows)
    step = DriverRun(pathlib.Path(sys.argv[1]))
    reader = step.run(EXTRACTOR, {}, path="t.db", query=query)["df"]
    assert sum(batch.num_rows for batch in reader) == rows
    return peak_memory_bytes()

print(peak(100_000), peak(400_000))
"""


def test_memory_does_not_grow_with_the_result(tmp_path: Path) -> None:
    made(tmp_path, "CREATE TABLE t (i INTEGER)")
    done = subprocess.run(
        [sys.executable, "-c", _BOUNDED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    small, large = map(int, done.stdout.split())
    assert large - small < 10_000_000  # 60 MB of text more


def test_long_values_are_fetched_a_few_at_a_time(tmp_path: Path) -> None:
    made(tmp_path, "CREATE TABLE t (b BLOB)")
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 600) "
    query += "SELECT zeroblob(CASE WHEN i > 256 THEN 100000 ELSE 100000 END) AS b FROM n"
    reader = DriverRun(tmp_path).run(EXTRACTOR, {}, path="t.db", query=query)["df"]
    assert max(batch.nbytes for batch in reader) < 40_000_000

"""Append, replace, upsert: what is in the table afterwards, and what a schema contract does."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pymysql
import pytest

from osiris.core.errors import ConfigError, DataError, RowsLostError, StepError
from tests.conftest import Database
from tests.support.mysql import MYSQLD, shown_type
from tests.support.mysql_writing import Target, evolved, warned

KEY: dict[str, Any] = {"write_mode": "upsert", "primary_key": ["id"]}


@pytest.fixture
def target(database: Database, tmp_path: Path) -> Target:
    return Target(database, tmp_path)


def rows(*pairs: tuple[int, Any]) -> pa.Table:
    return pa.table(
        {
            "id": pa.array([number for number, _ in pairs], pa.int32()),
            "v": pa.array([value for _, value in pairs], pa.string()),
        }
    )


# --- append ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [None, 1, 7, 100])
@pytest.mark.parametrize("local", [1, 0], ids=["load", "insert"])
def test_append_in_any_batches(target: Target, batch_size: int | None, local: int) -> None:
    target.database.execute(f"SET GLOBAL local_infile = {local}")
    numbers = range(100)
    table = rows(*((number, f"v{number}") for number in numbers))
    target.write(table, rows=13, batch_size=batch_size)
    target.write(table.slice(0, 1), batch_size=batch_size)
    target.database.execute("SET GLOBAL local_infile = 1")
    assert target.rows() == [(0, "v0"), *((number, f"v{number}") for number in numbers)]


def test_a_table_that_is_not_there(target: Target) -> None:
    with pytest.raises(ConfigError, match=r"there is no table .*\.t"):
        target.write(rows((1, "a")), create_if_missing=False)


def test_a_made_table_has_its_key(target: Target) -> None:
    """Texts in a key differ by case and by the spaces at their end."""
    table = pa.table(
        {"word": ["a", "A", "a ", "ä"], "n": [1, 2, 3, 4], "b": [b"", b"a", b"A", b"x"]}
    )
    target.write(table, primary_key=["word", "b"])
    keys = target.database.execute("SHOW KEYS FROM t WHERE Key_name = 'PRIMARY'")
    assert [row[4] for row in keys] == ["word", "b"]
    assert target.read("n").equals(table)
    with pytest.raises(DataError, match="a key that another row has"):
        target.write(table)
    with pytest.raises(DataError, match=r"row 1 .*longer than 255"):
        target.write(pa.table({"word": ["x" * 256], "n": [1], "b": [b""]}))


def test_an_engine_that_takes_nothing_back(target: Target) -> None:
    target.database.execute("CREATE TABLE t (id INT, v TEXT) ENGINE=MyISAM")
    with pytest.raises(ConfigError, match="engine MyISAM, which cannot take back"):
        target.write(rows((1, "a")))
    target.write(rows((1, "a")), write_mode="replace")
    assert target.rows() == [(1, "a")]


def test_a_view_is_no_table(target: Target) -> None:
    target.database.execute("CREATE VIEW t AS SELECT 1 AS id")
    with pytest.raises(ConfigError, match="is no table that can be written but a view"):
        target.write(rows((1, "a")))


def test_another_database(target: Target) -> None:
    target.database.execute("CREATE DATABASE other_place")
    target.write(rows((1, "a")), schema="other_place")
    assert target.database.execute("SELECT * FROM other_place.t") == [(1, "a")]
    assert target.tables() == []
    target.database.execute("DROP DATABASE other_place")


def test_no_database(target: Target) -> None:
    connection = {**target.database.connection(), "database": None}
    with pytest.raises(ConfigError, match="no database is chosen"):
        target.write(rows((1, "a")), connection=connection)


def test_a_column_the_server_computes(target: Target) -> None:
    target.database.execute("CREATE TABLE t (id INT, twice INT AS (id * 2), v TEXT)")
    target.write(rows((1, "a")))
    assert target.rows() == [(1, 2, "a")]
    with pytest.raises(DataError, match=r"'twice' .*is computed by the database"):
        target.write(pa.table({"id": [1], "twice": [1]}))


@pytest.mark.parametrize("local", [1, 0], ids=["load", "insert"])
def test_a_trigger_that_refuses_a_row(target: Target, local: int) -> None:
    """LOAD DATA LOCAL would pass over the row and go on."""
    target.database.execute(f"SET GLOBAL local_infile = {local}")
    target.database.execute("CREATE TABLE t (id INT, v TEXT)")
    target.database.execute(
        "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW"
        " IF NEW.id = 2 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no twos'; END IF"
    )
    with pytest.raises(StepError, match="no twos"):
        target.write(rows((1, "a"), (2, "b"), (3, "c")))
    target.database.execute("SET GLOBAL local_infile = 1")
    assert target.rows() == []


# --- replace --------------------------------------------------------------------------------------


def test_replace_keeps_what_belongs_to_the_table(target: Target) -> None:
    target.database.script(
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) NOT NULL DEFAULT 'd' COMMENT 'c',"
        " KEY by_v (v)) COMMENT 'mine';"
        "CREATE VIEW w AS SELECT id FROM t; INSERT INTO t VALUES (1, 'old')"
    )
    before = target.database.execute("SHOW CREATE TABLE t")
    target.write(rows((2, "new"), (3, "newer")), write_mode="replace")
    assert target.database.execute("SHOW CREATE TABLE t") == before
    assert target.rows() == [(2, "new"), (3, "newer")]
    assert target.database.execute("SELECT * FROM w") == [(2,), (3,)]
    assert target.tables() == ["t"]


def _reader_of(database: Database, seen: set[int], stop: threading.Event) -> None:
    connection = pymysql.connect(
        unix_socket=database.server.socket, user="root", database=database.name, autocommit=True
    )
    with connection, connection.cursor() as cursor:
        while not stop.is_set():
            cursor.execute("SELECT COUNT(*), MIN(v), MAX(v) FROM t")
            row = cursor.fetchone()
            assert row is not None
            seen.add(row[0] if row[1] == row[2] else -1)


TIED = "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.v = NEW.v"


@pytest.mark.parametrize("tied", [False, True], ids=["renamed", "deleted"])
def test_a_reader_never_sees_it_empty_or_half(target: Target, tied: bool) -> None:
    """Whether the table is swapped or, because triggers hang on it, written in its place."""
    target.write(rows(*((number, "0") for number in range(500))))
    if tied:
        target.database.execute(TIED)
    seen: set[int] = set()
    stop = threading.Event()
    reader = threading.Thread(target=_reader_of, args=(target.database, seen, stop))
    reader.start()
    for generation in range(1, 6):
        table = rows(*((number, str(generation)) for number in range(500 + generation)))
        target.write(table, write_mode="replace", rows=100, batch_size=100)
    stop.set()
    reader.join()
    assert seen <= set(range(500, 506))
    assert len(target.rows()) == 505
    assert target.tables() == ["t"]


@pytest.fixture
def family(target: Target) -> Iterator[Target]:
    """A table with a foreign key of its own; another refers to it."""
    target.database.script(
        "CREATE TABLE parent (id INT PRIMARY KEY); INSERT INTO parent VALUES (1), (2);"
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9), p INT DEFAULT 1,"
        " FOREIGN KEY (p) REFERENCES parent (id));"
        "CREATE TABLE child (t INT, FOREIGN KEY (t) REFERENCES t (id));"
        "INSERT INTO t VALUES (1, 'a', 1)"
    )
    yield target
    target.database.script("DROP TABLE child; DROP TABLE t; DROP TABLE parent")


def test_replace_keeps_foreign_keys(family: Target) -> None:
    table = rows((7, "x")).append_column("p", pa.array([2], pa.int32()))
    family.write(table, write_mode="replace")
    assert family.rows() == [(7, "x", 2)]
    family.database.execute("INSERT INTO child VALUES (7)")
    with pytest.raises(DataError, match="breaks a foreign key"):
        family.write(table, write_mode="replace")
    bad = rows((8, "x")).append_column("p", pa.array([3], pa.int32()))
    with pytest.raises(DataError, match="breaks a foreign key"):
        family.write(bad)
    assert family.rows() == [(7, "x", 2)]


def test_replace_makes_the_table(target: Target) -> None:
    run = target.write(rows((1, "a")), write_mode="replace")
    assert evolved(run) == [("table_created", None, None, None)]
    assert target.rows() == [(1, "a")]
    assert target.tables() == ["t"]


# --- upsert ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("local", [1, 0], ids=["load", "insert"])
def test_upsert(target: Target, local: int) -> None:
    target.database.execute(f"SET GLOBAL local_infile = {local}")
    target.write(rows((1, "a"), (2, "b")), **KEY)
    target.write(rows((2, None), (3, "c"), (1, "a")), **KEY)
    assert target.rows() == [(1, "a"), (2, None), (3, "c")]
    target.write(rows((2, "B")), **KEY)
    target.database.execute("SET GLOBAL local_infile = 1")
    assert target.rows() == [(1, "a"), (2, "B"), (3, "c")]
    assert target.tables() == ["t"]


def test_upsert_leaves_other_columns_alone(target: Target) -> None:
    target.database.script(
        "CREATE TABLE t (id INT PRIMARY KEY, v TEXT, mine INT DEFAULT 7);"
        "INSERT INTO t VALUES (1, 'a', 1)"
    )
    target.write(rows((1, "b"), (2, "c")), **KEY)
    assert target.rows() == [(1, "b", 1), (2, "c", 7)]


def test_upsert_by_nothing_but_the_key(target: Target) -> None:
    table = pa.table({"id": [1, 2]})
    for _ in range(2):
        target.write(table, **KEY)
    assert target.rows() == [(1,), (2,)]


def test_upsert_by_a_unique_index_of_several_columns(target: Target) -> None:
    target.database.script(
        "CREATE TABLE t (n INT AUTO_INCREMENT PRIMARY KEY, id INT NOT NULL, v VARCHAR(9) NOT NULL,"
        " x INT, UNIQUE (v, id)); INSERT INTO t VALUES (5, 1, 'a', 1)"
    )
    table = rows((1, "a"), (1, "b")).append_column("x", pa.array([10, 20], pa.int32()))
    target.write(table, write_mode="upsert", primary_key=["id", "v"])
    assert [row[1:] for row in target.rows("x")] == [(1, "a", 10), (1, "b", 20)]
    assert target.rows("x")[0][0] == 5


def test_upsert_needs_a_key_that_the_table_keeps(target: Target) -> None:
    target.database.execute("CREATE TABLE t (id INT, v TEXT, KEY (id))")
    with pytest.raises(ConfigError, match=r"no primary key or unique index on \(id\)"):
        target.write(rows((1, "a")), **KEY)


def test_rows_of_the_input_that_share_another_unique_value(target: Target) -> None:
    """Merged one after the other, the second would be written over the first."""
    target.database.script(
        "CREATE TABLE t (v VARCHAR(9) PRIMARY KEY, id INT NOT NULL UNIQUE);"
        "INSERT INTO t VALUES ('a', 1), ('b', 2)"
    )
    with pytest.raises(DataError, match="a key that another row has"):
        target.write(rows((1, "x"), (2, "x")), **KEY)
    assert target.rows("id") == [("a", 1), ("b", 2)]


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_a_table_in_partitions(target: Target, mode: str) -> None:
    target.database.script(
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9) COLLATE latin1_bin)"
        " PARTITION BY HASH (id) PARTITIONS 3; INSERT INTO t VALUES (1, 'a')"
    )
    key = {"primary_key": ["id"]} if mode == "upsert" else {}
    given: dict[str, Any] = {"write_mode": mode, **key}
    target.write(rows((2, "é"), (3, "c")), **given)
    kept = [] if mode == "replace" else [(1, "a")]
    assert target.rows() == [*kept, (2, "é"), (3, "c")]
    assert "PARTITIONS 3" in target.database.execute("SHOW CREATE TABLE t")[0][1]


def test_a_key_that_is_twice_in_the_input(target: Target) -> None:
    target.write(rows((1, "a")), **KEY)
    with pytest.raises(DataError, match="a key that another row has"):
        target.write(rows((2, "b"), (2, "c")), **KEY)
    assert target.rows() == [(1, "a")]


def test_a_key_that_is_null(target: Target) -> None:
    target.database.execute("CREATE TABLE t (id INT UNIQUE, v TEXT)")
    table = pa.table({"id": pa.array([1, None], pa.int32()), "v": ["a", "b"]})
    with pytest.raises(DataError, match="row 2 has NULL in 'id'"):
        target.write(table, **KEY)
    assert target.rows() == []


def test_upsert_never_writes_over_a_row_with_another_key(target: Target) -> None:
    """ON DUPLICATE KEY looks at every unique index, also at those nobody asked it about."""
    target.database.script(
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9) UNIQUE); INSERT INTO t VALUES (1, 'a')"
    )
    with pytest.raises(DataError, match=r"unique index 'v' .*a row with another key"):
        target.write(rows((2, "a")), **KEY)
    assert target.rows() == [(1, "a")]


def test_upsert_never_writes_over_a_row_by_a_default(target: Target) -> None:
    target.database.script(
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9), code INT UNIQUE DEFAULT 5);"
        "INSERT INTO t VALUES (1, 'a', 5)"
    )
    with pytest.raises(RowsLostError, match=r"rows of .* with other keys"):
        target.write(rows((2, "b")), **KEY)
    assert target.rows() == [(1, "a", 5)]


# --- the schema contract --------------------------------------------------------------------------

WIDE = pa.table({"id": pa.array([2**40], pa.int64()), "v": ["x"], "new": [1.5]})


@pytest.fixture
def narrow(target: Target) -> Target:
    target.database.script(
        "CREATE TABLE t (id INT NOT NULL DEFAULT 3 COMMENT 'the, `id`', v VARCHAR(9),"
        " PRIMARY KEY (id)); INSERT INTO t VALUES (1, 'a')"
    )
    return target


def test_differences_are_errors(narrow: Target) -> None:
    with pytest.raises(DataError, match="no column 'new'"):
        narrow.write(WIDE)
    with pytest.raises(DataError, match=r"'id' .*1099511627776 of row 1"):
        narrow.write(WIDE.drop_columns("new"))
    with pytest.raises(DataError, match="no column 'v'"):
        narrow.write(WIDE.select([]).append_column("id", pa.array([5], pa.int32())))
    assert narrow.rows() == [(1, "a")]


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_a_table_evolves(narrow: Target, mode: str) -> None:
    options: dict[str, Any] = {"on_new_column": "evolve", "on_type_change": "evolve"}
    if mode == "upsert":
        options["primary_key"] = ["id"]
    run = narrow.write(WIDE, write_mode=mode, **options)
    assert evolved(run) == [
        ("type_widened", "id", shown_type("int(11)"), "bigint"),
        ("type_widened", "v", "varchar(9)", "longtext"),
        ("column_added", "new", None, "double"),
    ]
    old = [] if mode == "replace" else [(1, "a", None)]
    assert narrow.rows() == [*old, (2**40, "x", 1.5)]
    made = narrow.database.execute("SHOW CREATE TABLE t")[0][1]
    default = "'3'" if MYSQLD else "3"
    assert f"`id` {shown_type('bigint(20)')} NOT NULL DEFAULT {default} COMMENT 'the, `id`'" in made
    assert narrow.tables() == ["t"]


def test_differences_are_ignored(narrow: Target) -> None:
    table = pa.table({"id": pa.array([5, 6], pa.int64()), "v": ["x", "y" * 10], "new": [1, 2]})
    run = narrow.write(table, on_new_column="ignore", on_type_change="ignore")
    assert narrow.rows() == [(1, "a"), (5, "x"), (6, None)]
    assert warned(run) == [("table.column_not_written", 2), ("table.values_nulled", 1)]


def test_a_column_that_may_be_null_from_now_on(target: Target) -> None:
    target.database.execute("CREATE TABLE t (id INT, v VARCHAR(9) NOT NULL COMMENT ' NOT NULL')")
    table = pa.table({"id": pa.array([1], pa.int32())})
    run = target.write(table, on_missing_column="evolve")
    assert evolved(run) == [("not_null_dropped", "v", None, "varchar(9)")]
    assert target.rows() == [(1, None)]

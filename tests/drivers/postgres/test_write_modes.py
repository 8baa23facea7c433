"""Append, replace and upsert, and what the schema contract does to a real table."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.components.postgres_writer import COMPONENT
from osiris.core.errors import ConfigError, DataError, RowsLostError
from osiris.core.metrics import MetricName
from osiris.core.stream import TableStream
from tests.support.postgres import PostgresDatabase
from tests.support.table_writing import TableWriting, broken_stream

OLD = "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a'), (2, 'b')"
NEW = pa.table({"id": pa.array([2, 3], pa.int32()), "name": ["B", "c"]})
MODES: dict[str, dict[str, Any]] = {
    "append": {},
    "replace": {"write_mode": "replace"},
    "upsert": {"write_mode": "upsert", "primary_key": ["id"]},
}


@pytest.fixture
def writing(pg: PostgresDatabase, tmp_path: Path) -> TableWriting:
    return TableWriting(pg, COMPONENT, tmp_path)


def _contents(writing: TableWriting) -> list[tuple[Any, ...]]:
    return writing.rows("SELECT id, name FROM t ORDER BY id")


def test_append_adds_and_stops_whole_at_the_last_row(writing: TableWriting) -> None:
    writing.rows(OLD)
    more = pa.table({"id": pa.array([3, 4], pa.int32()), "name": [None, ""]})
    assert writing.write(more, table="t") == 2
    assert _contents(writing) == [(1, "a"), (2, "b"), (3, None), (4, "")]
    long = pa.table({"id": pa.array([*range(10, 5000), 4], pa.int32()), "name": ["x"] * 4991})
    with pytest.raises(DataError, match=r"id\)=\(4\) already exists.*line 4991"):
        writing.write(long, table="t")
    assert len(_contents(writing)) == 4


def test_replace_leaves_nothing_old_and_keeps_what_hangs_on_the_table(
    writing: TableWriting,
) -> None:
    writing.rows(f"{OLD}; CREATE VIEW v AS SELECT name FROM t; CREATE INDEX byname ON t (name)")
    writing.rows("CREATE ROLE reader; GRANT SELECT ON t TO reader")
    assert writing.write(NEW, table="t", write_mode="replace") == 2
    assert _contents(writing) == [(2, "B"), (3, "c")]
    assert writing.rows("SELECT * FROM v ORDER BY 1") == [("B",), ("c",)]
    assert writing.rows("SELECT count(*) FROM pg_indexes WHERE tablename = 't'") == [(2,)]
    assert writing.rows("SELECT has_table_privilege('reader', 't', 'SELECT')") == [(True,)]
    writing.rows("DROP OWNED BY reader; DROP ROLE reader")
    assert writing.write(NEW.slice(0, 0), table="t", write_mode="replace") == 0
    assert _contents(writing) == []


def test_upsert_takes_the_place_of_rows_with_the_same_key(writing: TableWriting) -> None:
    writing.rows(OLD)
    assert writing.write(NEW, table="t", **MODES["upsert"]) == 2
    assert _contents(writing) == [(1, "a"), (2, "B"), (3, "c")]
    assert writing.write(NEW, table="t", **MODES["upsert"]) == 2
    assert _contents(writing) == [(1, "a"), (2, "B"), (3, "c")]
    only_key = NEW.select(["id"])
    options = {**MODES["upsert"], "on_missing_column": "ignore"}
    assert writing.write(only_key, table="t", **options) == 2
    assert _contents(writing) == [(1, "a"), (2, "B"), (3, "c")]


def test_upsert_by_several_columns_in_any_order(writing: TableWriting) -> None:
    writing.rows("CREATE TABLE t (a text, id int, name text, UNIQUE (id, a))")
    table = pa.table({"name": ["x"], "a": ["k"], "id": pa.array([1], pa.int32())})
    for name in ("x", "y"):
        table = table.set_column(0, "name", pa.array([name]))
        writing.write(table, table="t", write_mode="upsert", primary_key=["a", "id"])
    assert writing.rows("SELECT * FROM t") == [("k", 1, "y")]


def test_a_key_that_is_twice_in_the_input_is_named(writing: TableWriting) -> None:
    writing.rows(OLD)
    table = pa.table({"id": pa.array([7, 8, 7, 7], pa.int32()), "name": ["x", "y", "z", None]})
    with pytest.raises(DataError, match=r"3 rows of the input have the same key \(id = 7\)"):
        writing.write(table, table="t", **MODES["upsert"])
    assert len(_contents(writing)) == 2


def test_a_key_must_be_there_and_unique(writing: TableWriting) -> None:
    writing.rows(OLD)
    nulls = pa.table({"id": pa.array([7, None], pa.int32()), "name": ["x", "y"]})
    with pytest.raises(DataError, match="row 2 has NULL in 'id'"):
        writing.write(nulls, table="t", **MODES["upsert"])
    with pytest.raises(ConfigError, match="no primary key or unique index on"):
        writing.write(NEW, table="t", write_mode="upsert", primary_key=["name"])


def test_a_table_is_made_only_when_told(writing: TableWriting) -> None:
    with pytest.raises(ConfigError, match=r'there is no table "public"."t"'):
        writing.write(NEW, table="t")
    for _ in range(2):
        writing.write(NEW, table="t", create_if_missing=True, **MODES["upsert"])
    assert _contents(writing) == [(2, "B"), (3, "c")]
    assert len(writing.events("schema_evolved")) == 0
    with pytest.raises(ConfigError, match="schema"):
        writing.write(NEW, table="t", schema="nowhere", create_if_missing=True)


def test_making_a_table_is_an_event(writing: TableWriting) -> None:
    writing.write(NEW, table="t", create_if_missing=True, primary_key=["id"])
    (event,) = writing.events("schema_evolved")
    assert (event["table"], event["change"]) == ('"public"."t"', "table_created")


@pytest.mark.parametrize("mode", MODES)
def test_a_stream_that_breaks_leaves_the_table_as_it_was(mode: str, writing: TableWriting) -> None:
    writing.rows(OLD)
    table = NEW.append_column("more", pa.array([1, 2]))
    stream = broken_stream(table, RuntimeError("the source broke"), after=1)
    with pytest.raises(RuntimeError, match="the source broke"):
        writing.write(stream, table="t", on_new_column="evolve", **MODES[mode])
    assert writing.rows("SELECT * FROM t ORDER BY id") == [(1, "a"), (2, "b")]
    assert writing.events("schema_evolved") == []
    gone = broken_stream(table, RuntimeError("the source broke"), after=1)
    with pytest.raises(RuntimeError):
        writing.write(gone, table="new", create_if_missing=True, **MODES[mode])
    assert writing.rows("SELECT to_regclass('new')") == [(None,)]


def test_a_reader_sees_the_old_rows_or_the_new_never_none(
    writing: TableWriting, pg: PostgresDatabase
) -> None:
    writing.rows("CREATE TABLE t (id int, name text)")
    writing.rows("INSERT INTO t SELECT n, 'old' FROM generate_series(1, 2000) n")
    seen: list[tuple[int, int]] = []
    stop = threading.Event()

    def poll() -> None:
        with pg.admin() as connection:
            connection.execute("SET statement_timeout = '30s'")  # never blocked for long
            while not stop.is_set():
                query = "SELECT count(*), count(DISTINCT name) FROM t"
                seen.extend(connection.execute(query).fetchall())

    reader = threading.Thread(target=poll)
    reader.start()
    with pg.admin() as before:
        before.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        before.execute("SELECT 1 FROM pg_class")  # takes the snapshot, not a lock on the table
        for turn in range(10):
            rows = pa.table({"id": pa.array(range(2000), pa.int32()), "name": [str(turn)] * 2000})
            writing.write(rows, table="t", write_mode="replace")
        assert before.execute("SELECT min(name), count(*) FROM t").fetchone() == ("old", 2000)
    stop.set()
    reader.join()
    assert len(seen) > 10
    assert set(seen) == {(2000, 1)}


def test_replacing_does_not_reach_into_other_tables(writing: TableWriting) -> None:
    writing.rows(OLD)
    writing.rows("CREATE TABLE child (t int REFERENCES t ON DELETE CASCADE)")
    with pytest.raises(ConfigError, match="would also delete or change rows of child"):
        writing.write(NEW, table="t", write_mode="replace")
    writing.rows("DROP TABLE child; CREATE TABLE child AS SELECT 1 AS t")
    writing.rows("ALTER TABLE child ADD FOREIGN KEY (t) REFERENCES t")
    with pytest.raises(DataError, match="foreign key"):
        writing.write(NEW, table="t", write_mode="replace")
    assert _contents(writing) == [(1, "a"), (2, "b")]


def test_the_table_evolves_as_it_is_told(writing: TableWriting) -> None:
    writing.rows("CREATE TABLE t (id smallint, name varchar(2), gone int NOT NULL)")
    table = pa.table(
        {
            "id": [1, 2**40],
            "name": ["long", None],
            "more": pa.array([None, [1]], pa.list_(pa.int8())),
        }
    )
    told = {"on_new_column": "evolve", "on_missing_column": "evolve", "on_type_change": "evolve"}
    assert writing.write(table, table="t", **told) == 2
    changes = [
        (e["change"], e["column"], e["from_type"], e["to_type"])
        for e in writing.events("schema_evolved")
    ]
    assert changes == [
        ("type_widened", "id", "smallint", "bigint"),
        ("type_widened", "name", "character varying(2)", "text"),
        ("column_added", "more", None, "smallint[]"),
        ("not_null_dropped", "gone", None, "integer"),
    ]
    assert writing.rows("SELECT id, name, gone, more FROM t") == [
        (1, "long", None, None),
        (2**40, None, None, [1]),
    ]


@pytest.mark.parametrize("mode", MODES)
def test_a_table_with_readers_evolves_only_at_the_end(
    mode: str, writing: TableWriting, pg: PostgresDatabase
) -> None:
    writing.rows(OLD)
    table = NEW.append_column("more", pa.array([1.5, None]))
    seen: list[int] = []

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in table.slice(1 if mode == "append" else 0).to_batches(max_chunksize=1):
            yield batch
            with pg.admin() as reader:  # would wait for ever if the table were changed by now
                reader.execute("SET lock_timeout = '20s'")
                seen.extend(n for (n,) in reader.execute("SELECT count(*) FROM t").fetchall())

    stream = TableStream(table.schema, batches())
    writing.write(stream, table="t", on_new_column="evolve", **MODES[mode])
    assert set(seen) == {2}
    assert [e["change"] for e in writing.events("schema_evolved")] == ["column_added"]
    old: dict[str, list[tuple[int, float | None]]] = {
        "append": [(1, None), (2, None)],
        "replace": [(2, 1.5)],
        "upsert": [(1, None), (2, 1.5)],
    }
    assert writing.rows("SELECT id, more FROM t ORDER BY id") == [*old[mode], (3, None)]


def test_what_is_left_out_is_told(writing: TableWriting) -> None:
    writing.rows("CREATE TABLE t (id smallint, name text)")
    table = pa.table(
        {"id": [1, 2**40, None, 2**41], "name": [1.5, None, 2.5, 3.5], "more": [1] * 4}
    )
    told = {"on_new_column": "ignore", "on_type_change": "ignore"}
    assert writing.write(table, table="t", **told) == 4
    assert writing.rows("SELECT * FROM t") == [(1, None), (None, None), (None, None), (None, None)]
    warnings = [(w["code"], w["count"]) for w in writing.events("data_warning")]
    assert warnings == [
        ("table.column_not_written", 4),
        ("table.values_nulled", 2),
        ("table.values_nulled", 3),
    ]
    assert writing.run.metrics[MetricName.VALUES_NULLED] == 5


def test_the_database_fills_in_what_it_has_a_value_for(writing: TableWriting) -> None:
    writing.rows(
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, name text, at timestamptz NOT NULL"
        " DEFAULT now(), size int GENERATED ALWAYS AS (length(name)) STORED)"
    )
    writing.write(NEW.select(["name"]), table="t")
    writing.write(NEW, table="t", write_mode="replace")
    assert writing.rows("SELECT id, name, size FROM t") == [(2, "B", 1), (3, "c", 1)]
    with pytest.raises(DataError, match="is computed by the database"):
        writing.write(pa.table({"size": [1]}), table="t")


def test_rows_that_the_server_leaves_out_stop_everything(writing: TableWriting) -> None:
    writing.rows(OLD)
    writing.rows(
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN IF NEW.id = 3 THEN RETURN NULL; END IF; RETURN NEW; END';"
        "CREATE TRIGGER skip BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION skip()"
    )
    more = pa.table({"id": pa.array([3, 4], pa.int32()), "name": ["x", "y"]})
    for options in MODES.values():
        with pytest.raises(RowsLostError, match="1 rows of 2"):
            writing.write(more, table="t", **options)
    assert _contents(writing) == [(1, "a"), (2, "b")]


def test_rows_that_a_policy_hides_stop_the_step(
    writing: TableWriting, pg: PostgresDatabase
) -> None:
    writing.rows(OLD)
    writing.rows(
        "CREATE ROLE plain LOGIN PASSWORD 'p'; GRANT ALL ON t TO plain;"
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON t USING (id = 1)"
    )
    connection = {**pg.connection(), "user": "plain", "password": "p"}
    try:
        for options in MODES.values():
            with pytest.raises(ConfigError, match="row-level security"):
                writing.write(NEW, connection=connection, table="t", **options)
    finally:
        writing.rows("DROP OWNED BY plain; DROP ROLE plain")
    assert _contents(writing) == [(1, "a"), (2, "b")]


def test_rows_go_into_tables_only(writing: TableWriting) -> None:
    writing.rows(f"{OLD}; CREATE VIEW v AS SELECT * FROM t")
    with pytest.raises(ConfigError, match="is a view"):
        writing.write(NEW, table="v")
    writing.rows("CREATE TABLE parts (id int, name text) PARTITION BY LIST (id)")
    writing.rows("CREATE TABLE part PARTITION OF parts FOR VALUES IN (2, 3)")
    for mode in ("append", "replace"):
        writing.write(NEW, table="parts", write_mode=mode)
    assert writing.rows("SELECT count(*) FROM part") == [(2,)]


def test_batches_of_every_size(writing: TableWriting) -> None:
    table = pa.table({"id": pa.array(range(1000)), "name": [str(n) * 9 for n in range(1000)]})

    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.slice(0, 1).to_batches()
        yield from table.slice(0, 0).to_batches()
        yield from table.slice(1).to_batches(max_chunksize=300)

    stream = TableStream(table.schema, batches())
    assert writing.write(stream, table="t", create_if_missing=True, batch_size=7) == 1000
    assert writing.rows("SELECT count(*), sum(id), min(name) FROM t") == [
        (1000, 499500, "000000000")
    ]

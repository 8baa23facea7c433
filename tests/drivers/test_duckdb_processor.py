"""SQL over a step's inputs: tables and files, rows counted, order, faults."""

import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.components.duckdb_processor import COMPONENT
from osiris.core.errors import CancelledError, ConfigError, DataError, SystemStepError
from osiris.core.stream import TableStream
from tests.support.driver_run import stream_of
from tests.support.sql import NUMBERS, Sql


@pytest.fixture
def sql(tmp_path: Path) -> Sql:
    return Sql(tmp_path)


# --- tables ---


def test_an_input_is_named_for_its_step_itself_and_df(sql: Sql) -> None:
    for name in ("make_numbers", "df", "numbers"):
        stream = stream_of(NUMBERS, source="make-numbers")
        assert sql.rows(f"SELECT count(*) AS n FROM {name}", {"numbers": stream}) == [{"n": 5000}]


def test_df_is_not_a_table_when_there_are_two(sql: Sql) -> None:
    inputs = {"a": stream_of(NUMBERS, "a"), "b": stream_of(NUMBERS, "b")}
    with pytest.raises(ConfigError, match="df"):
        sql("SELECT * FROM df", inputs)


def test_inputs_that_would_share_a_name_are_refused(sql: Sql) -> None:
    inputs = {"a-b": stream_of(NUMBERS, "a-b"), "A_b": stream_of(NUMBERS, "A_b")}
    with pytest.raises(ConfigError, match="would both be the table"):
        sql("SELECT 1", inputs)


# --- a stream can be read once only ---

REPEATED = [
    ("SELECT count(*) AS n FROM t a JOIN t b USING (id)", 5000),
    ("WITH c AS (SELECT id FROM t) SELECT count(*) AS n FROM c a JOIN c b USING (id)", 5000),
    ("SELECT count(*) AS n FROM (FROM t UNION ALL FROM t)", 10000),
    ("SELECT count(*) AS n FROM t WHERE id >= (SELECT max(id) - 9 FROM t)", 10),
    ("SELECT (SELECT count(*) FROM t) + count(*) AS n FROM t", 10000),
    ("SELECT count(*) AS n FROM t, LATERAL (SELECT u.id FROM u WHERE u.id = t.id)", 5000),
    ("SELECT count(*) AS n FROM t a JOIN t b USING (id) LEFT JOIN u ON u.id = a.id", 5000),
    (
        "SELECT count(*) AS n FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id AND u.k = 3)",
        714,
    ),
    ("SELECT count(*) AS n FROM t SEMI JOIN u USING (id) ANTI JOIN t t2 ON t2.id = t.id + 1", 1),
    ("SELECT count(DISTINCT k) + sum(k) * 0 + count(DISTINCT id) AS n FROM t", 5007),
]


@pytest.mark.parametrize("query, expected", REPEATED)
def test_a_stream_read_several_times_gives_all_its_rows_each_time(
    sql: Sql, query: str, expected: int
) -> None:
    inputs = {"t": stream_of(NUMBERS, "t"), "u": stream_of(NUMBERS, "u")}
    assert [int(row["n"]) for row in sql.rows(query, inputs)] == [expected]
    assert [stream.rows for stream in inputs.values()] == [5000, 5000]


def test_rows_that_a_query_does_not_need_are_counted(sql: Sql) -> None:
    for query in ("SELECT * FROM df LIMIT 1", "SELECT 1 AS x", "SELECT id FROM df WHERE false"):
        stream = stream_of(NUMBERS)
        sql(query, {"df": stream})
        assert (stream.rows, stream.complete) == (5000, True)


# --- files that DuckDB reads itself ---

QUERIES = [
    "SELECT count(*) AS n FROM t",
    "SELECT k, count(*) AS n FROM t GROUP BY k ORDER BY k",
    "SELECT * FROM t WHERE k = 3 ORDER BY id",
    "SELECT * FROM t LIMIT 3",
    "SELECT * FROM t ORDER BY id DESC LIMIT 3",
    "SELECT * FROM t WHERE false",
    "SELECT 1 AS x",
    "SELECT count(*) AS n FROM t JOIN u USING (id)",
    "SELECT count(*) AS n FROM t JOIN (SELECT * FROM u WHERE k > 99) USING (id)",
    "SELECT count(*) AS n FROM t LEFT JOIN (SELECT * FROM u WHERE k > 99) AS v USING (id)",
    "SELECT count(*) AS n FROM t a JOIN t b USING (id)",
    "SELECT count(*) AS n FROM t, u WHERE t.id < 3 AND u.id < 3",
    "SELECT count(*) AS n FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id)",
    "SELECT count(*) AS n FROM t WHERE id IN (SELECT id FROM u LIMIT 5)",
    "SELECT * FROM (FROM t UNION ALL FROM u) ORDER BY id, k LIMIT 4",
    "SELECT id FROM t EXCEPT SELECT id FROM u",
    "SELECT max(id) OVER (PARTITION BY k) AS m FROM t ORDER BY ALL LIMIT 5",
    "WITH c AS (SELECT k FROM t GROUP BY k) SELECT count(*) AS n FROM c a JOIN c b USING (k)",
    "SELECT * FROM t USING SAMPLE 10 ROWS (reservoir, 1)",
    "SELECT t.id FROM t ASOF JOIN u ON t.id >= u.id ORDER BY 1 LIMIT 2",
    "SELECT any_value(k) IS NOT NULL AS n FROM t",
    "SELECT first(id ORDER BY id) AS n FROM t",
    "SELECT (SELECT id FROM u ORDER BY id LIMIT 1) AS n FROM t WHERE id = 7",
]


@pytest.mark.parametrize("query", QUERIES)
def test_a_file_gives_what_its_rows_give_and_all_its_rows_are_counted(sql: Sql, query: str) -> None:
    text = "id,k\n" + "".join(f"{i},{i % 7}\n" for i in range(5000))
    scans = {"t": sql.csv("t", text), "u": sql.csv("u", text)}
    streams = {"t": stream_of(NUMBERS, "t"), "u": stream_of(NUMBERS, "u")}
    if "SAMPLE" in query:
        assert sql(query, scans).num_rows == 10
    else:
        assert sql.rows(query, scans) == sql.rows(query, streams)
    assert [stream.rows for stream in scans.values()] == [5000, 5000]


def test_the_same_file_in_two_steps_counts_for_each(sql: Sql) -> None:
    text = "a\n" + "1\n" * 100
    inputs = {
        "t": sql.csv("t", text),
        "u": sql.scan("u", "t.csv", header=False, columns=[{"name": "x", "type": "string"}]),
    }
    assert sql.rows("SELECT count(*) AS n FROM t, u", inputs) == [{"n": 100 * 101}]
    assert [stream.rows for stream in inputs.values()] == [100, 101]


def test_a_broken_file_is_its_own_steps_fault(sql: Sql) -> None:
    stream = sql.csv("t", "id,k\n1,2\n3,x\n", columns={"id": "int", "k": "int"})
    with pytest.raises(DataError, match=r"t\.csv:3: column 'k': 'x' does not fit integer"):
        sql("SELECT sum(k) AS s FROM t", {"t": stream})
    assert isinstance(stream.error, DataError)


def test_a_fault_of_the_query_is_not_the_files(sql: Sql) -> None:
    stream = sql.csv("t", "id,k\n1,2\n3,x\n", columns={"id": "int", "k": "string"})
    with pytest.raises(DataError, match="Could not convert string"):
        sql("SELECT CAST(k AS INT) AS i FROM t", {"t": stream})
    assert stream.error is None


def _misleading(rows: int, lines: int) -> str:
    """A sound file in whose long cells every line looks like a row."""
    cell = "\n".join(f"{i},fake" for i in range(lines))
    return "a,b\n" + "".join(f'{i},"{cell}"\n' for i in range(rows))


def test_a_sound_file_that_duckdb_would_take_for_broken(sql: Sql) -> None:
    stream = sql.csv("t", _misleading(1200, 2000), columns={"a": "int", "b": "string"})
    rows = sql.rows("SELECT count(*) AS n, sum(a)::BIGINT AS s FROM t", {"t": stream})
    assert rows == [{"n": 1200, "s": 1200 * 1199 // 2}]
    assert stream.rows == 1200


@pytest.mark.parametrize("cell", [2_000, 50_000])
def test_lines_of_a_cell_are_no_rows_after_other_rows_were_read(sql: Sql, cell: int) -> None:
    """Several threads would have read on from a line of a cell, and handed out what they saw."""
    plain = f"7,{'x' * 100}\n"
    misleading = _misleading(2_400_000 // cell, cell)
    text = misleading.replace("\n", "\n" + plain * 400_000, 1) + plain * 100_000
    stream = sql.csv("t", text, columns={"a": "int", "b": "string"})
    assert sql("SELECT a FROM t", {"t": stream}).num_rows == 500_000 + 2_400_000 // cell


def test_a_file_that_changes_under_the_query_is_an_error(sql: Sql) -> None:
    text = "id,k\n" + "1,2\n" * 200_000
    stream = sql.csv("t", text, columns={"id": "int", "k": "int"})
    outputs = sql.run.run(COMPONENT, {"t": stream}, query="SELECT * FROM t")
    reader = outputs["df"]
    reader.read_next_batch()
    path = sql.run.root / "t.csv"
    path.write_text(text + "3,4\n")
    with pytest.raises(DataError, match=r"t\.csv changed while it was read"):
        reader.read_all()


def test_a_file_that_is_deleted_before_the_query_is_an_error(sql: Sql) -> None:
    stream = sql.csv("t", "id,k\n1,2\n", columns={"id": "int", "k": "int"})
    (sql.run.root / "t.csv").unlink()
    with pytest.raises(DataError, match=r"t\.csv cannot be read any more"):
        sql("SELECT * FROM t", {"t": stream})
    assert stream.error is not None


# --- what comes out ---


def test_no_rows_still_have_a_schema(sql: Sql) -> None:
    table = sql("SELECT id, k::VARCHAR AS s FROM df WHERE id < 0", {"df": stream_of(NUMBERS)})
    assert table.schema == pa.schema([("id", pa.int64()), ("s", pa.string())])


def test_the_order_is_the_querys_or_the_inputs(sql: Sql) -> None:
    many = pa.table({"id": pa.array(range(300_000), pa.int64())})
    ids = sql("SELECT id FROM df WHERE id % 3 = 0", {"df": stream_of(many, rows=5000)})
    assert ids.column("id").to_pylist() == list(range(0, 300_000, 3))
    ids = sql("SELECT id FROM df ORDER BY id % 5, id DESC", {"df": stream_of(many)})
    assert ids.column("id").to_pylist() == sorted(range(300_000), key=lambda i: (i % 5, -i))


def test_batches_are_bounded(sql: Sql) -> None:
    outputs = sql.run.run(COMPONENT, {}, query="SELECT i FROM range(1000000) AS t(i)")
    assert max(batch.num_rows for batch in outputs["df"]) <= 65_536


# --- faults ---


def test_an_inputs_own_error_is_kept(sql: Sql) -> None:
    def failing() -> Any:
        yield NUMBERS.to_batches()[0]
        raise DataError("the source broke")

    for query in ("SELECT sum(id) AS s FROM df", "SELECT a.id FROM df a JOIN df b USING (id)"):
        stream = TableStream(NUMBERS.schema, failing(), source="make")
        with pytest.raises(DataError, match="the source broke"):
            sql(query, {"df": stream})
        assert str(stream.error) == "the source broke"


def test_too_little_memory_is_the_systems_fault(sql: Sql) -> None:
    query = "SELECT list(i) AS l FROM range(30000000) AS t(i)"
    with pytest.raises(SystemStepError) as caught:
        sql(query, {}, memory_limit="20MB")
    assert "memory_limit" in str(caught.value.hint)


def test_a_large_sort_goes_to_disk(sql: Sql) -> None:
    query = "SELECT i, md5(i::VARCHAR) AS m FROM range(600000) AS t(i) ORDER BY m"
    table = sql(query, {}, memory_limit="40MB", threads=2)
    assert table.num_rows == 600_000


def test_data_that_does_not_convert_is_a_data_error(sql: Sql) -> None:
    many = pa.table({"s": ["1"] * 200_000 + ["x"]})
    with pytest.raises(DataError, match="Could not convert string 'x'") as caught:
        sql("SELECT CAST(s AS INT) AS i FROM df", {"df": stream_of(many)})
    assert "TRY_CAST" in str(caught.value.hint)


def test_a_running_query_can_be_stopped(sql: Sql) -> None:
    query = "SELECT count(*) AS n FROM range(100000) a(i), range(1000000) b(j) WHERE i * j % 7 = 1"
    timer = threading.Timer(0.3, sql.run.cancelled.cancel, [CancelledError("stop")])
    timer.start()
    with pytest.raises(CancelledError, match="stop"):
        sql(query, {})
    timer.join()


def test_nothing_is_left_open(sql: Sql) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        stream = sql.csv("t", "a\n" + "1\n" * 300_000, columns={"a": "int"})
        outputs = sql.run.run(COMPONENT, {"t": stream}, query="SELECT * FROM t")
        outputs["df"].read_next_batch()
        del outputs, stream
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2

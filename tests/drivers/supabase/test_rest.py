"""Rows over REST: each value exact, faults on the way without loss and without doubles."""

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from pydantic import ValidationError

from osiris.components.supabase_writer import COMPONENT
from osiris.core.errors import (
    AuthenticationError,
    CancelledError,
    ConfigError,
    DataError,
    RowsLostError,
    SystemStepError,
    TransientStepError,
)
from osiris.drivers.supabase_writer import SupabaseWriterDriver
from tests.support.driver_run import DriverRun, stream_of
from tests.support.postgres import PostgresDatabase
from tests.support.postgrest_server import Fault, PostgrestServer
from tests.support.table_writing import TableWriting

UPSERT: dict[str, Any] = {"write_mode": "upsert", "primary_key": ["id"]}
ROWS = 25
TABLE = pa.table({"id": pa.array(range(ROWS), pa.int32()), "name": [f"n{n}" for n in range(ROWS)]})
MADE = "CREATE TABLE t (id int PRIMARY KEY, name text)"
BUSY = Fault(429, {"retry-after": "0.05"})
NO_ANSWER = Fault(None, committed=True)


@pytest.fixture
def rest(pg: PostgresDatabase) -> Iterator[PostgrestServer]:
    with PostgrestServer(pg, ("public", "Other")) as server:
        yield server


class RestWriting(TableWriting):
    """Writes over REST, into a table `t` if not told otherwise."""

    server: PostgrestServer

    def send(self, data: pa.Table, **options: Any) -> int:
        connection = {**self.server.connection, **options.pop("connection", {})}
        return self.write(data, **{"connection": connection, "table": "t", **options})

    def count(self) -> int:
        return int(self.rows("SELECT count(*) FROM t")[0][0])


@pytest.fixture
def writing(pg: PostgresDatabase, rest: PostgrestServer, tmp_path: Path) -> RestWriting:
    pg.execute(MADE)
    writing = RestWriting(pg, COMPONENT, tmp_path)
    writing.server = rest
    return writing


TEXTS = ["", 'q"\\\n\t', "Žluť 🐎", "null", None]
# A column, what is sent into it, and what PostgreSQL shows.
VALUES: list[tuple[str, pa.DataType, list[Any], list[str | None]]] = [
    ("boolean", pa.bool_(), [True, False, None], ["true", "false", None]),
    ("smallint", pa.int8(), [-128, None], ["-128", None]),
    ("bigint", pa.int64(), [2**63 - 1, -(2**63)], [str(2**63 - 1), str(-(2**63))]),
    ("numeric", pa.uint64(), [2**64 - 1, 2**53 + 1], [str(2**64 - 1), str(2**53 + 1)]),
    (
        "numeric",
        pa.decimal256(65, 30),
        [Decimal("9" * 35 + "." + "9" * 30), Decimal("1e-30")],
        ["9" * 35 + "." + "9" * 30, "0." + "0" * 29 + "1"],
    ),
    ("real", pa.float32(), [1.5, float("nan")], ["1.5", "NaN"]),
    (
        "double precision",
        pa.float64(),
        [0.1, float("inf"), float("-inf")],
        ["0.1", "Infinity", "-Infinity"],
    ),
    (
        "text",
        pa.string(),
        ["", 'q"\\\n\t', "Žluť 🐎", "null", None],
        ["", 'q"\\\n\t', "Žluť 🐎", "null", None],
    ),
    ("varchar(4)", pa.string(), ["žluť"], ["žluť"]),
    ("bytea", pa.binary(), [b"", b"\0\xff", None], ["\\x", "\\x00ff", None]),
    ("date", pa.date32(), [date.min, date.max], ["0001-01-01", "9999-12-31"]),
    ("time", pa.time64("us"), [time.max], ["23:59:59.999999"]),
    ("date", pa.date32(), [-719163, -719529], ["0001-12-31 BC", "0002-12-31 BC"]),
    ("timestamp", pa.timestamp("us"), [1], ["1970-01-01 00:00:00.000001"]),
    ("timestamp", pa.timestamp("s"), [-719163 * 86400 + 1], ["0001-12-31 00:00:01 BC"]),
    ("timestamptz", pa.timestamp("s", "UTC"), [-719163 * 86400], ["0001-12-31 00:00:00+00 BC"]),
    (
        "timestamptz",
        pa.timestamp("ms", "Europe/Prague"),
        [datetime(2024, 7, 1, 10, tzinfo=UTC)],
        ["2024-07-01 10:00:00+00"],
    ),
    (
        "interval",
        pa.duration("us"),
        [timedelta(hours=-838, microseconds=-1)],
        ["-838:00:00.000001"],
    ),
    (
        "interval",
        pa.month_day_nano_interval(),
        [pa.MonthDayNano([1, -2, 3000])],
        ["1 mon -2 days +00:00:00.000003"],
    ),
    ("uuid", pa.uuid(), [UUID(int=7).bytes], [str(UUID(int=7))]),
    ("uuid", pa.string(), [str(UUID(int=7))], [str(UUID(int=7))]),
    ("json", pa.string(), ['{"b": 1.0, "a":"x"}', None], ['{"b": 1.0, "a":"x"}', None]),
    (
        "jsonb",
        pa.struct({"a": pa.int64()}),
        [{"a": 2**60}, None],
        ['{"a": 1152921504606846976}', None],
    ),
    ("integer[]", pa.list_(pa.int64()), [[1, None], [], None], ["{1,NULL}", "{}", None]),
    ("text[]", pa.list_(pa.string()), [["a,b", 'q"', ""]], [r'{"a,b","q\"",""}']),
    ("mood", pa.string(), ["sad", None], ["sad", None]),
    ("inet", pa.string(), ["10.0.0.1"], ["10.0.0.1/32"]),
    ("inet[]", pa.list_(pa.string()), [["10.0.0.1"], []], ["{10.0.0.1}", "{}"]),
    ("numeric", pa.string(), ["1e-5"], ["0.00001"]),
]


def test_every_value_arrives_as_it_is(writing: RestWriting) -> None:
    declared = ", ".join(f"c{i} {kind}" for i, (kind, *_) in enumerate(VALUES))
    writing.rows("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    writing.rows(f"CREATE TABLE v (n int, {declared})")
    longest = max(len(values) for _, _, values, _ in VALUES)
    data = {"n": pa.array(range(longest), pa.int32())}
    for i, (_, kind, values, _) in enumerate(VALUES):
        data[f"c{i}"] = pa.array([*values, *[None] * (longest - len(values))], kind)
    assert writing.send(pa.table(data), table="v") == longest
    for i, (kind, _, values, texts) in enumerate(VALUES):
        rows = writing.rows(f"SELECT c{i}::text FROM v ORDER BY n LIMIT {len(values)}")
        assert [text for (text,) in rows] == texts, kind


def test_names_and_schemas_are_what_they_are(writing: RestWriting) -> None:
    names = ["select", "Id", "id", 'quo"te', "a,b", "back\\slash", "ž", "a b", "x.y", "(z)"]
    quoted = ", ".join('"' + name.replace('"', '""') + '" int' for name in names)
    writing.rows(f'CREATE SCHEMA "Other"; CREATE TABLE "Other"."a/b c?" ({quoted}, UNIQUE ("a,b"))')
    data = pa.table({name: pa.array([i], pa.int32()) for i, name in enumerate(names)})
    for _ in range(2):
        options = {"write_mode": "upsert", "primary_key": ["a,b"]}
        writing.send(data, table="a/b c?", schema="Other", **options)
    assert writing.rows('SELECT * FROM "Other"."a/b c?"') == [tuple(range(len(names)))]


def test_wide_and_empty_tables(writing: RestWriting) -> None:
    names = [f"a column of some length, number {n}" for n in range(500)]
    declared = ", ".join(f'"{name}" int' for name in names)
    writing.rows(f"CREATE TABLE w ({declared})")
    wide = pa.table({name: pa.array([n, None], pa.int32()) for n, name in enumerate(names)})
    assert writing.send(wide, table="w") == 2
    assert writing.rows("SELECT * FROM w") == [tuple(range(500)), (None,) * 500]
    for options in ({}, UPSERT):
        assert writing.send(TABLE.slice(0, 0), **options) == 0
    with pytest.raises(DataError, match="no columns"):
        writing.send(pa.table({}))
    assert writing.server.inserts == [2]


def test_a_decimal_that_postgres_rounds_is_told(writing: RestWriting) -> None:
    """PostgREST says `numeric`, not `numeric(5,1)`, so that it is seen only afterwards."""
    writing.rows('CREATE TABLE d (id int PRIMARY KEY, "a ""b" numeric(5,1))')
    ids = pa.array([1, 2, 3], pa.int32())
    values = pa.array([Decimal("1.50"), None, Decimal("1.25")])
    data = pa.table({"id": ids, 'a "b': values})
    for options in ({}, UPSERT):
        with pytest.raises(DataError, match=r"keeps 1.3 of 1.25: .* the rows are in the table"):
            writing.send(data, table="d", **options)
    assert writing.send(data.slice(0, 2), table="d", **UPSERT) == 2


def test_fractions_of_a_second_that_the_api_does_not_tell_are_rounded(writing: RestWriting) -> None:
    """The one exception: PostgREST says `timestamp`, not `timestamp(0)`."""
    writing.rows("CREATE TABLE d (v timestamp(0))")
    writing.send(pa.table({"v": pa.array([600], pa.timestamp("ms"))}), table="d")
    assert writing.rows("SELECT v::text FROM d") == [("1970-01-01 00:00:01",)]


def test_an_append_is_one_request_or_refused(writing: RestWriting) -> None:
    assert writing.send(TABLE) == ROWS
    assert writing.server.inserts == [ROWS]
    wide = pa.table({"id": pa.array([100, 101], pa.int32()), "name": ["x" * 3_000_000] * 2})
    with pytest.raises(ConfigError, match="do not fit into one request"):
        writing.send(wide)
    assert writing.count() == ROWS
    assert writing.send(wide, batch_size=100) == 2
    assert writing.server.inserts == [ROWS, 1, 1]


def test_an_upsert_goes_in_batches(writing: RestWriting) -> None:
    writing.rows("INSERT INTO t VALUES (3, 'old'), (99, 'other')")
    for _ in range(2):
        assert writing.send(TABLE, batch_size=10, **UPSERT) == ROWS
    assert writing.server.inserts == [10, 10, 5] * 2
    assert writing.count() == ROWS + 1
    assert writing.rows("SELECT name FROM t WHERE id = 3") == [("n3",)]


def test_nothing_is_sent_before_all_is_known_to_be_well(writing: RestWriting) -> None:
    ids = pa.array([*range(1500), 7], pa.int32())
    doubled = pa.table({"id": ids, "name": ["x"] * 1501})
    with pytest.raises(DataError, match=r"2 rows of the input have the same key \(id = 7\)"):
        writing.send(doubled, **UPSERT)
    null = pa.table({"id": pa.array([1, None], pa.int32()), "name": ["x", "y"]})
    with pytest.raises(DataError, match="row 2 has NULL in 'id'"):
        writing.send(null, **UPSERT)
    nul = pa.table({"id": pa.array(range(1500), pa.int32()), "name": [*["x"] * 1499, "a\0"]})
    with pytest.raises(DataError, match="row 1500"):
        writing.send(nul, batch_size=10)
    writing.rows("CREATE TABLE j (v json)")
    for value in ("", "null"):  # JSON's null would arrive as NULL
        with pytest.raises(DataError, match="column 'v', row 2: "):
            writing.send(pa.table({"v": ["{}", value]}), table="j")
    assert writing.server.inserts == []


@pytest.mark.parametrize(
    "options,message",
    [
        ({"write_mode": "replace"}, "needs a PostgreSQL connection"),
        ({"create_if_missing": True}, "PostgreSQL"),
        ({"on_new_column": "evolve"}, "on_new_column"),
        ({"connection": {"url": "http://example.com", "key": "k"}}, "https"),
        ({"connection": {"url": "https://example.com"}}, "go together"),
        ({"connection": {}}, "set host"),
        ({"connection": {"url": "https://e.com", "key": "k", "password": "p"}}, "go with host"),
    ],
)
def test_what_rest_cannot_do_is_refused_when_compiling(
    options: dict[str, Any], message: str
) -> None:
    connection = {"url": "https://x.supabase.co", "key": "k"}
    with pytest.raises(ValidationError, match=message):
        COMPONENT.config.model_validate({"connection": connection, "table": "t", **options})


# --- faults ---


@pytest.mark.parametrize("options", [{}, UPSERT])
def test_what_was_not_done_is_tried_again(options: dict[str, Any], writing: RestWriting) -> None:
    no_database = '{"code": "PGRST001", "message": "no connection"}'
    deadlock = '{"code": "40P01", "message": "deadlock detected"}'
    writing.server.faults.extend([BUSY, Fault(503, body=no_database), Fault(500, body=deadlock)])
    assert writing.send(TABLE, **options) == ROWS
    assert writing.server.inserts == [ROWS] * 4
    assert writing.count() == ROWS


@pytest.mark.parametrize(
    "fault", [NO_ANSWER, Fault(502), Fault(504, committed=True), Fault(500, committed=True)]
)
def test_an_upsert_is_tried_again_whatever_became_of_it(fault: Fault, writing: RestWriting) -> None:
    writing.server.faults.extend([None, fault])
    impatient = {"request_timeout": 4.0 if fault.status is None else 30.0}
    assert writing.send(TABLE, connection=impatient, batch_size=10, **UPSERT) == ROWS
    assert writing.server.inserts == [10, 10, 10, 5]
    assert writing.count() == ROWS


@pytest.mark.parametrize("fault", [NO_ANSWER, Fault(504, committed=True), Fault(502)])
def test_an_append_of_unknown_outcome_is_not_made_again(fault: Fault, writing: RestWriting) -> None:
    writing.server.faults.append(fault)
    impatient = {"request_timeout": 4.0 if fault.status is None else 30.0}
    with pytest.raises(SystemStepError, match="is not known"):
        writing.send(TABLE, connection=impatient)
    assert writing.server.inserts == [ROWS]
    assert writing.count() == (ROWS if fault.committed else 0)


def test_batches_of_an_append_that_are_there_are_told(writing: RestWriting) -> None:
    writing.rows("INSERT INTO t VALUES (22, 'in the way')")
    with pytest.raises(DataError, match=r"\(id\)=\(22\).*; the 20 rows before are in") as caught:
        writing.send(TABLE, batch_size=10)
    assert "23505" in str(caught.value)
    assert writing.count() == 21
    writing.rows("TRUNCATE t")
    writing.server.faults.extend([None, *[BUSY] * 6])
    with pytest.raises(SystemStepError, match="the 10 rows before are in"):
        writing.send(TABLE, batch_size=10)
    assert writing.count() == 10


def test_a_batch_that_fails_leaves_an_upsert_to_be_done_again(writing: RestWriting) -> None:
    writing.rows("ALTER TABLE t ADD CHECK (name <> 'n15')")
    with pytest.raises(DataError, match="23514"):
        writing.send(TABLE, batch_size=10, **UPSERT)
    assert writing.count() == 10
    writing.rows("ALTER TABLE t DROP CONSTRAINT t_name_check")
    assert writing.send(TABLE, batch_size=10, **UPSERT) == ROWS
    assert writing.count() == ROWS


def test_a_row_that_is_there_already_leaves_the_table(writing: RestWriting) -> None:
    """The last of the rows; the API answers 409."""
    writing.rows(f"INSERT INTO t VALUES ({ROWS - 1}, 'old')")
    with pytest.raises(DataError, match="23505"):
        writing.send(TABLE)
    assert writing.rows("SELECT * FROM t") == [(ROWS - 1, "old")]
    assert writing.server.inserts == [ROWS]


def test_a_request_that_is_too_large_is_split_where_that_is_allowed(writing: RestWriting) -> None:
    writing.server.largest = 250
    assert writing.send(TABLE, **UPSERT) == ROWS
    assert max(writing.server.inserts) < ROWS
    assert writing.count() == ROWS
    writing.rows("TRUNCATE t")
    with pytest.raises(DataError, match="larger than the API takes"):
        writing.send(TABLE)
    assert writing.count() == 0
    assert writing.send(TABLE, batch_size=ROWS) == ROWS
    long = pa.table({"id": pa.array([1], pa.int32()), "name": ["x" * 300]})
    with pytest.raises(DataError, match="larger than the API takes"):
        writing.send(long, **UPSERT)


def test_an_api_that_never_recovers_ends_the_step_as_transient(writing: RestWriting) -> None:
    writing.server.faults.extend([BUSY] * 20)
    with pytest.raises(TransientStepError, match="asked too often"):
        writing.send(TABLE)
    assert len(writing.server.inserts) == 6
    assert writing.count() == 0


def test_rows_that_the_server_leaves_out_are_missed(writing: RestWriting) -> None:
    writing.rows(
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN IF NEW.id = 3 THEN RETURN NULL; END IF; RETURN NEW; END';"
        "CREATE TRIGGER skip BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION skip()"
    )
    with pytest.raises(RowsLostError, match="24 rows of 25"):
        writing.send(TABLE)


@pytest.mark.parametrize(
    "options,error,message",
    [
        ({"connection": {"key": "wrong"}}, AuthenticationError, "does not accept the key"),
        ({"table": "nowhere"}, ConfigError, "there is no table"),
        ({"schema": "hidden"}, ConfigError, "does not show this schema"),
    ],
)
def test_what_is_set_wrong_is_told(
    options: dict[str, Any], error: type[Exception], message: str, writing: RestWriting
) -> None:
    with pytest.raises(error, match=message) as caught:
        writing.send(TABLE, **options)
    assert type(caught.value) is error
    assert "wrong" not in str(caught.value)


def test_an_upsert_without_a_unique_key_is_told(writing: RestWriting) -> None:
    with pytest.raises(ConfigError, match="42P10"):
        writing.send(TABLE, write_mode="upsert", primary_key=["name"])


def test_a_cancelled_step_stops_waiting(writing: RestWriting) -> None:
    writing.server.faults.extend([Fault(429, {"retry-after": "600"})] * 6)
    run = DriverRun(writing.root)
    timer = threading.Timer(0.3, run.cancelled.cancel, [CancelledError("stop")])
    timer.start()
    given = {"connection": writing.server.connection, "table": "t"}
    with pytest.raises(CancelledError):
        run.run(COMPONENT, {"df": stream_of(TABLE)}, **given)
    timer.join()


def test_the_doctor_can_ask(writing: RestWriting, pg: PostgresDatabase, tmp_path: Path) -> None:
    def check(fields: dict[str, Any]) -> None:
        connection = COMPONENT.connection
        assert connection is not None
        SupabaseWriterDriver().check_connection(connection.model_validate(fields), tmp_path)  # type: ignore[arg-type]  # it is the component's own

    check(writing.server.connection)
    check(pg.connection())
    with pytest.raises(AuthenticationError):
        check({**writing.server.connection, "key": "no"})
    with pytest.raises(TransientStepError, match="cannot reach"):
        check({**writing.server.connection, "url": "http://127.0.0.1:1"})
    with pytest.raises(ConfigError, match="no such address"):
        check({**writing.server.connection, "url": f"{writing.server.url}/elsewhere"})
    with pytest.raises(AuthenticationError):
        check({**pg.connection(), "password": "no"})

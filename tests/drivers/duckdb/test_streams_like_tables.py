"""A query over streams, each readable once, gives what it gives over tables in memory."""

from io import BytesIO
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from osiris.core.csv_format import CsvOptions, CsvSink
from osiris.core.driver_registry import DriverRegistry
from osiris.core.stream import TableStream
from tests.support.driver_run import DriverRun, stream_of

PEOPLE = pa.table(
    {
        "id": range(6),
        "team": ["a", "b", "a", None, "b", "a"],
        "points": [1.5, 2.5, None, 4.0, 5.0, 6.0],
        "boss": [None, 0, 0, 1, 1, 4],
    }
)
TEAMS = pa.table({"team": ["a", "b", "c"], "city": ["Praha", "Brno", None]})
PROCESSOR = DriverRegistry().component("duckdb.processor")


def result(directory: Path, query: str, **inputs: TableStream) -> pa.Table:
    reader = DriverRun(directory).run(PROCESSOR, inputs, query=query)["df"]
    table = reader.read_all()
    assert table.schema == reader.schema
    return table


ONE = """
FROM people
SELECT sum(id) AS n FROM people WHERE points > 100
SELECT a.id, b.id AS other FROM people a JOIN people b ON a.team = b.team
SELECT a.id, b.id AS other FROM people a LEFT JOIN people b ON a.boss = b.id
SELECT a.id, b.id AS other, c.id AS third FROM people a, people b, people c
WITH x AS (SELECT * FROM people) SELECT count(*) AS n FROM x UNION ALL SELECT sum(id) FROM x
WITH x AS MATERIALIZED (SELECT * FROM people) SELECT a.id FROM x a JOIN x b ON a.id = b.id + 1
WITH x AS NOT MATERIALIZED (SELECT * FROM people) SELECT a.id FROM x a JOIN x b ON a.id = b.id + 1
WITH people AS (SELECT id FROM people) SELECT a.id FROM people a JOIN people b USING (id)
SELECT id FROM people UNION SELECT boss FROM people
SELECT id FROM people UNION ALL SELECT id FROM people
SELECT id FROM people INTERSECT SELECT boss FROM people
SELECT id FROM people EXCEPT SELECT boss FROM people
SELECT * FROM people WHERE points > (SELECT avg(points) FROM people)
SELECT id, (SELECT count(*) FROM people b WHERE b.boss = a.id) AS reports FROM people a
SELECT id FROM people a WHERE EXISTS (SELECT 1 FROM people b WHERE b.boss = a.id)
SELECT id FROM people a WHERE NOT EXISTS (SELECT 1 FROM people b WHERE b.boss = a.id)
SELECT id FROM people WHERE id IN (SELECT boss FROM people)
SELECT id, n FROM people a, LATERAL (SELECT count(*) AS n FROM people b WHERE b.id < a.id)
WITH RECURSIVE r AS (SELECT id, 0 AS d FROM people WHERE boss IS NULL UNION ALL \
SELECT p.id, r.d + 1 FROM people p JOIN r ON p.boss = r.id) SELECT * FROM r
WITH RECURSIVE r AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM r WHERE n < \
(SELECT max(id) FROM people)) SELECT n FROM r
SELECT id, sum(points) OVER (PARTITION BY team ORDER BY id) AS running FROM people
SELECT team, list(id ORDER BY id) AS ids FROM people GROUP BY team
SELECT team, count(*) AS n FROM people GROUP BY ROLLUP (team)
SELECT team, id, count(*) AS n FROM people GROUP BY GROUPING SETS ((team), (id), ())
SELECT count(DISTINCT team) AS t, count(DISTINCT boss) AS b FROM people
PIVOT people ON team IN ('a', 'b') USING sum(points) GROUP BY boss
UNPIVOT (SELECT id, boss FROM people) ON id, boss INTO NAME k VALUE v
DESCRIBE people
SUMMARIZE people
SELECT team, count(*) AS n FROM people GROUP BY team HAVING n > (SELECT min(boss) FROM people)
FROM (SELECT id FROM people ORDER BY id) LIMIT 2 OFFSET 1
SELECT DISTINCT ON (team) team, id FROM people ORDER BY team, id
SELECT id FROM people QUALIFY row_number() OVER (PARTITION BY team ORDER BY id) = 1
SELECT a.id FROM people a SEMI JOIN people b ON a.id = b.boss
SELECT a.id FROM people a ANTI JOIN people b ON a.id = b.boss
SELECT a.id, b.id AS other FROM people a ASOF JOIN people b ON a.points > b.points
SELECT a.id, b.id AS other FROM people a POSITIONAL JOIN people b
SELECT * FROM query('SELECT a.id FROM people a JOIN people b USING (id)')
SELECT * FROM query_table('people')
SELECT a.id, b.team FROM query_table('people') a JOIN people b USING (id)
VALUES (1, 'x')
SELECT 1 AS one WHERE false
"""
TWO = """
SELECT people.id, city FROM people LEFT JOIN teams USING (team)
SELECT city FROM teams WHERE team NOT IN (SELECT team FROM people WHERE team IS NOT NULL)
SELECT * FROM teams
SELECT t.city, u.city AS other FROM teams t, teams u, people
SELECT count(*) AS n FROM teams UNION ALL SELECT count(*) FROM people
SELECT p.id FROM people p, people q, teams WHERE p.id = q.id
WITH teams AS (FROM people) SELECT a.id FROM teams a JOIN teams b USING (id)
"""


def _lines(text: str) -> list[str]:
    return text.replace("\\\n", "").strip().splitlines()


def _ordered(table: pa.Table) -> list[str]:
    return sorted(str(row) for row in table.to_pylist())


@pytest.mark.parametrize("query", _lines(ONE) + _lines(TWO))
def test_the_rows_are_the_same(tmp_path: Path, query: str) -> None:
    tables = {"people": PEOPLE, "teams": TEAMS}
    inputs = tables if query in _lines(TWO) else {"people": PEOPLE}
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        expected = pa.table(connection.sql(query))
    streams = {name: stream_of(table, name, rows=2) for name, table in inputs.items()}
    found = result(tmp_path, query, **streams)
    assert found.schema.names == expected.schema.names
    assert _ordered(found) == _ordered(expected)
    assert [stream.rows for stream in streams.values()] == [t.num_rows for t in inputs.values()]


@pytest.mark.parametrize(
    "name, table",
    [
        ("people", "PEOPLE"),
        ("get-people", "get_people"),
        ("select", '"select"'),
        ("2nd", '"2nd"'),
        ("osiris_incoming", "osiris_incoming"),
        ("lidé", "lidé"),
        ("duckdb_tables", "duckdb_tables"),
    ],
)
def test_a_table_is_called_what_its_step_is_called(tmp_path: Path, name: str, table: str) -> None:
    for tables, rows in ((table, 6), (f"{table} a, {table} b", 36)):
        query = f"SELECT count(*) AS n FROM {tables}"
        assert result(tmp_path, query, df=stream_of(PEOPLE, name)).to_pylist() == [{"n": rows}]


# --- through to CSV ---

TYPES = {
    "'a'::ENUM('a', 'b')": '"a"',
    "sum(1)": "1",
    f"'{-(1 << 127)}'::HUGEINT": str(-(1 << 127)),
    "18446744073709551615::UBIGINT": "18446744073709551615",
    "TIMESTAMP_NS '2024-01-02 03:04:05.123456789'": "2024-01-02 03:04:05.123456789",
    "TIMESTAMP_S '2024-01-02 03:04:05'": "2024-01-02 03:04:05",
    "TIMESTAMP_MS '2024-01-02 03:04:05.678'": "2024-01-02 03:04:05.678",
    "TIMESTAMP '2024-01-02 03:04:05'": "2024-01-02 03:04:05.000000",
    "TIMESTAMPTZ '2024-01-02 03:04:05+01:30'": "2024-01-02 01:34:05.000000Z",
    "TIMESTAMPTZ '2024-01-02 03:04:05'": "2024-01-02 03:04:05.000000Z",
    "TIMESTAMPTZ '2024-07-02 03:04:05'::VARCHAR": '"2024-07-02 03:04:05+00"',
    "TIME '03:04:05.000001'": "03:04:05.000001",
    "DATE '0044-03-15'": "0044-03-15",
    "'00010203-0405-0607-0809-0a0b0c0d0e0f'::UUID": '"00010203-0405-0607-0809-0a0b0c0d0e0f"',
    "'{\"a\": 1}'::JSON": '"{""a"": 1}"',
    "INTERVAL '1 month 2 days 3.5 seconds'": '"P1M2DT3.5S"',
    "[1, NULL]": '"[1,null]"',
    "['a'::ENUM('a')]": '"[""a""]"',
    "{'a': [{'b': 1.50}]}": '"{""a"":[{""b"":""1.50""}]}"',
    "MAP {'k': 1}": '"[[""k"",1]]"',
    "[1, 2]::INTEGER[2]": '"[1,2]"',
    "'\\xFF'::BLOB": '"ff"',
    "'nan'::DOUBLE": "nan",
    "1e-8::DECIMAL(18, 8)": "0.00000001",
    "12345678901234567890.123456789::DECIMAL(38, 9)": "12345678901234567890.123456789",
    "NULL": "",
    "true": "true",
}


def _csv(table: pa.Table) -> str:
    file = BytesIO()
    sink = CsvSink(file, table.schema, CsvOptions(header=False))
    for batch in table.to_batches():
        sink.write(batch)
    return file.getvalue().decode().removesuffix("\n")


@pytest.mark.parametrize("value", TYPES)
def test_a_type_comes_through_to_csv(tmp_path: Path, value: str) -> None:
    assert _csv(result(tmp_path, f"SELECT {value} AS v")) == TYPES[value]

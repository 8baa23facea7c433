"""Looking into PostgreSQL: what the server says of its tables, to whom, and for how long."""

import time
from pathlib import Path
from typing import Any

import pytest

from osiris.core.errors import StepTimeoutError
from tests.contracts.discoverer_contract import DiscovererContract, Source, project_with, rows_of
from tests.support.postgres import PostgresDatabase
from tests.support.waiting import wait_for

TABLES = """
CREATE TYPE tier AS ENUM ('a', 'b');
CREATE TABLE customers (
  id bigint PRIMARY KEY, email varchar(50) UNIQUE, api_token text, name varchar(20) NOT NULL,
  tier tier, note text
);
COMMENT ON TABLE customers IS 'who buys';
COMMENT ON COLUMN customers.id IS 'given by us';
INSERT INTO customers VALUES (1, 'ann@x.org', 'abc', 'Ann', 'a', NULL),
  (2, 'bob@x.org', NULL, 'Bob', 'b', 'x');
CREATE TABLE orders (
  id int PRIMARY KEY, customer bigint CONSTRAINT of_customer REFERENCES customers (id)
);
CREATE VIEW names AS SELECT name FROM customers;
CREATE TABLE "odd""'name" (
  "${x}" numeric(40, 3), t boolean, d timestamptz, b bytea, f real, u uuid, j jsonb,
  l int[], m money, i interval, p point, n numeric
);
ANALYZE;
"""


def _source(pg: PostgresDatabase, root: Path, **changes: Any) -> Source:
    fields = {**pg.connection(), **changes}
    project_with(root, "@postgres.shop", fields)
    return Source(root, "@postgres.shop", fields, "public")


@pytest.fixture
def source(pg: PostgresDatabase, tmp_path: Path) -> Source:
    """A database of two tables that belong together, a view, and an odd one."""
    pg.execute(TABLES)
    return _source(pg, tmp_path)


class TestPostgres(DiscovererContract):
    component = "postgres.extractor"

    @pytest.fixture
    def source(self, source: Source) -> Source:
        return source


def test_native_types_comments_and_estimates(source: Source) -> None:
    (found,) = source.discover(tables=["customers"]).tables
    assert (found.comment, found.estimated_rows) == ("who buys", 2)
    first, *_, tier, _note = found.columns
    assert (first.native_type, first.arrow_type, first.comment) == (
        *("bigint", "int64"),
        "given by us",
    )
    assert (tier.native_type, tier.arrow_type) == ("tier", "string")
    (names,) = source.discover(tables=["names"]).tables
    assert names.estimated_rows is None


def test_schemas_kinds_and_partitions(source: Source, pg: PostgresDatabase) -> None:
    pg.execute(
        "CREATE SCHEMA other; CREATE TABLE other.t (a int, b int, UNIQUE (b, a));"
        "CREATE UNIQUE INDEX half ON other.t (a) WHERE a > 0;"
        "CREATE TABLE parts (d int) PARTITION BY RANGE (d);"
        "CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (9);"
        "CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one; CREATE TABLE empty ();"
    )
    found = {table.full_name: table for table in source.discover().tables}
    assert found["public.parts"].kind == "partitioned table"
    assert found["public.kept"].kind == "materialized view"
    assert "public.part_1" not in found
    assert found["public.empty"].problems == ("it has no columns",)
    (key,) = found["other.t"].keys
    assert key.columns == ("b", "a")
    (table,) = source.discover(schema="other").tables
    assert table.read == {"schema": "other", "table": "t", "columns": ["a", "b"]}
    assert source.discover(schema="pg_catalog", tables=["pg_class"]).tables


def test_who_may_read_one_column_sees_that_one(pg: PostgresDatabase, tmp_path: Path) -> None:
    pg.execute(TABLES)
    pg.execute(
        f"CREATE ROLE {pg.name}_few LOGIN PASSWORD 'few';"
        f"GRANT SELECT (id, note) ON customers TO {pg.name}_few"
    )
    source = _source(pg, tmp_path, user=f"{pg.name}_few", password="few")
    found = {table.name: table for table in source.discover(samples=2).tables}
    assert [column.name for column in found["customers"].columns] == ["id", "note"]
    assert len(rows_of(found["customers"])) == 2
    assert found["customers"].keys[0].columns == ("id",)
    assert "may not read this table" in found["orders"].problems[0]
    assert found["orders"].read is None


def test_what_fails_in_one_table_is_told_and_the_rest_is_found(
    source: Source, pg: PostgresDatabase
) -> None:
    pg.execute(
        "CREATE VIEW broken AS SELECT 1 / (id - id) AS x FROM customers;"
        "CREATE FUNCTION noted() RETURNS int LANGUAGE sql AS"
        " 'INSERT INTO orders VALUES (99, NULL); SELECT 1';"
        "CREATE VIEW changing AS SELECT noted() AS n;"
        "CREATE TABLE far (d date); INSERT INTO far VALUES ('infinity')"
    )
    found = {table.name: table for table in source.discover(samples=2).tables}
    assert "division by zero" in found["broken"].problems[0]
    assert "in a read-only transaction" in found["changing"].problems[0]
    assert found["changing"].read is not None
    assert rows_of(found["far"]) == [{"d": None}]
    assert len(rows_of(found["customers"])) == 2
    assert pg.execute("SELECT count(*) FROM orders") == [(0,)]


def test_a_slow_view_takes_no_longer_than_allowed_and_ends_on_the_server(
    source: Source, pg: PostgresDatabase
) -> None:
    pg.execute("CREATE VIEW slow AS SELECT pg_sleep(60)::text AS s FROM customers")
    started = time.monotonic()
    with pytest.raises(StepTimeoutError):
        source.discover(tables=["slow"], samples=1, seconds=2)
    assert time.monotonic() - started < 30
    running = (
        f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{pg.name}' AND state = 'active'"
    )
    wait_for(lambda: pg.server.execute(running) == [(0,)])


def test_the_server_itself_stops_what_takes_too_long(source: Source, pg: PostgresDatabase) -> None:
    pg.execute("CREATE VIEW limits AS SELECT current_setting('statement_timeout') AS s")
    (found,) = source.discover(tables=["limits"], samples=1, seconds=50).tables
    assert rows_of(found) == [{"s": "50s"}]


def test_a_supabase_project_is_looked_into_through_its_database(
    pg: PostgresDatabase, tmp_path: Path
) -> None:
    pg.execute(TABLES)
    fields = {**pg.connection(), "tls": {"mode": "required"}}
    project_with(tmp_path, "@supabase.shop", fields)
    source = Source(tmp_path, "@supabase.shop", fields, "public")
    discovery = source.discover(tables=["customers"], samples=2)
    (found,) = discovery.tables
    assert [row["email"] for row in rows_of(found)] == ["***", "***"]
    assert discovery.component == "supabase.extractor"
    assert found.read is not None
    assert {**found.read, "columns": ()} == {
        "schema": "public",
        "table": "customers",
        "columns": (),
    }

"""The driver of supabase.writer keeps the contract by both ways; what its connection accepts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.components.supabase_writer import COMPONENT, SupabaseConnection
from osiris.core.errors import TlsError
from tests.contracts.driver_contract import DriverContract
from tests.support.postgres import PostgresDatabase
from tests.support.postgrest_server import PostgrestServer
from tests.support.relay import Relay
from tests.support.table_writing import TableWriting

ROWS = pa.table({"id": [1], "text": ["a"]})


class TestContract(DriverContract):
    component = "supabase.writer"

    @pytest.fixture
    def options(self, pg: PostgresDatabase) -> dict[str, Any]:
        return {"connection": pg.connection(), "table": "t", "create_if_missing": True}


class TestRestContract(DriverContract):
    component = "supabase.writer"

    @pytest.fixture
    def rest(self, pg: PostgresDatabase) -> Iterator[PostgrestServer]:
        pg.execute("CREATE TABLE t (id bigint, text text)")
        with PostgrestServer(pg) as server:
            yield server

    @pytest.fixture
    def options(self, rest: PostgrestServer) -> dict[str, Any]:
        return {"connection": rest.connection, "table": "t"}


@pytest.fixture
def writing(pg: PostgresDatabase, tmp_path: Path) -> TableWriting:
    return TableWriting(pg, COMPONENT, tmp_path)


def test_the_connection_is_encrypted_if_not_told_otherwise(
    writing: TableWriting, pg: PostgresDatabase
) -> None:
    writing.rows("CREATE TABLE t (id bigint, text text)")
    login = {**pg.connection(), "user": "tls_only"}
    writing.rows("GRANT ALL ON t TO tls_only")
    assert writing.write(ROWS, connection=login, table="t") == 1
    with pytest.raises(TlsError):
        writing.write(ROWS, connection={**login, "tls": {"mode": "disabled"}}, table="t")


def test_postgres_is_taken_where_both_are_given(
    writing: TableWriting, pg: PostgresDatabase
) -> None:
    both = {**pg.connection(), "url": "https://127.0.0.1:1", "key": "k"}
    options = {"connection": both, "table": "t", "create_if_missing": True}
    assert writing.write(ROWS, write_mode="replace", **options) == 1


def test_a_pooler_that_gives_each_transaction_another_session_will_do(
    writing: TableWriting, pg: PostgresDatabase
) -> None:
    """Nothing is prepared, and nothing is set for longer than the transaction."""
    writing.rows("CREATE TABLE t (id bigint PRIMARY KEY, text text)")
    with Relay(pg.server.host, pg.server.port) as relay:
        plain = {**pg.connection(), "port": relay.port, "tls": {"mode": "disabled"}}
        for mode in ({}, {"write_mode": "replace"}, {"write_mode": "upsert"}):
            key = {"primary_key": ["id"]} if mode.get("write_mode") == "upsert" else {}
            writing.rows("TRUNCATE t")
            assert writing.write(ROWS, connection=plain, table="t", **mode, **key) == 1
        said = bytes(relay.said)
    for statement in (b"PREPARE ", b"DISCARD", b"LISTEN", b"pg_advisory_lock"):
        assert statement not in said
    assert b"osiris_stage" in said
    assert said.count(b"BEGIN") == said.count(b"COMMIT\0") == 3
    assert named_statements(said) == []
    everything_set = said.count(b"set_config")
    assert everything_set == said.count(b", true)")


def named_statements(said: bytes) -> list[bytes]:
    """Return the names of statements that Parse messages (`P`, length, name) give."""
    names, at = [], 0
    while (at := said.find(b"P\0\0", at)) >= 0:
        name = said[at + 5 : said.find(b"\0", at + 5)]
        if name.startswith(b"_pg"):
            names.append(name)
        at += 1
    return names


def test_where_rows_are_sent_is_known(pg: PostgresDatabase) -> None:
    login = pg.connection()
    host = SupabaseConnection.model_validate(login)
    assert host.hosts() == ((login["host"], login["port"]),)
    for url, port in (("https://x.supabase.co", 443), ("http://localhost:54321", 54321)):
        rest = SupabaseConnection.model_validate({"url": url, "key": "k"})
        assert rest.over_rest
        assert rest.hosts()[0][1] == port

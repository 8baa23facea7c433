"""Reading through the drivers' PostgreSQL reader and, to compare, through psycopg alone."""

from typing import Any

import pyarrow as pa

from osiris.components.postgres_connection import PostgresConnection
from osiris.drivers.postgres.copy_out.reader import QueryReader, ReadOptions, Session
from tests.support.postgres import PostgresDatabase

NO_TLS = {"mode": "disabled"}


def settings(of: PostgresDatabase, way: str = "tcp", **more: Any) -> PostgresConnection:
    """How to connect to a test's database: over "tcp" without TLS, the "socket", or "tls"."""
    given = of.connection(over_socket=way == "socket")
    if way == "tls":
        ca = str(of.server.certificates.ca)
        given["tls"] = {"mode": "verify_identity", "ca": ca}
    elif way == "tcp":
        given["tls"] = NO_TLS
    return PostgresConnection.model_validate({**given, **more})


def reader(connection: PostgresConnection, query: str, **options: Any) -> QueryReader:
    """Run a query; its rows are not read yet."""
    return QueryReader(Session(connection, ReadOptions(**options)), query)


def taken(running: QueryReader) -> pa.Table:
    """Read all rows of a query; every batch is checked in full."""
    batches = []
    for batch in running.batches():
        assert batch.num_rows > 0
        batch.validate(full=True)
        batches.append(batch)
    return pa.Table.from_batches(batches, schema=running.schema)


def read(connection: PostgresConnection, query: str, **options: Any) -> pa.Table:
    """Read all rows of a query."""
    return taken(reader(connection, query, **options))

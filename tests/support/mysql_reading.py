"""Reading through the drivers' MySQL reader and, to compare, through PyMySQL alone."""

from typing import Any

import pyarrow as pa
import pymysql

from osiris.components.mysql_extractor import MySQLConnection
from osiris.drivers.mysql.reader import ReadOptions, read_query
from tests.conftest import Database

NO_TLS = {"mode": "disabled"}


def settings(database: Database, way: str = "tcp", **more: Any) -> MySQLConnection:
    """How to connect to a test's database: over "tcp" without TLS, the "socket", or "tls"."""
    given = database.connection(over_socket=way == "socket")
    if way == "tls":
        ca = str(database.server.certificates.ca)
        given["tls"] = {"mode": "verify_identity", "ca": ca}
    elif way == "tcp":
        given["tls"] = NO_TLS
    return MySQLConnection.model_validate({**given, **more})


def read(connection: MySQLConnection, sql: str, **options: Any) -> pa.Table:
    """Read all rows of a query; every batch is checked in full."""
    schema, batches = read_query(connection, sql, ReadOptions(**options))
    taken = []
    for batch in batches:
        assert batch.num_rows > 0
        batch.validate(full=True)
        taken.append(batch)
    return pa.Table.from_batches(taken, schema=schema)


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """Give a table's rows as PyMySQL gives them, one tuple a row."""
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns, strict=True))


def pymysql_rows(database: Database, sql: str) -> list[tuple[Any, ...]]:
    """Read a query with PyMySQL's own decoding, in the session the reader uses."""
    connection = pymysql.connect(
        unix_socket=database.server.socket,
        user="root",
        database=database.name,
        charset="utf8mb4",
        init_command="SET time_zone = '+00:00'",
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())

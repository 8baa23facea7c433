"""The `mysql.extractor` component: its configuration and the connection to a MySQL server."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator

from osiris.components.component import (
    Component,
    ComponentConfig,
    Connection,
    Example,
    Mode,
    SqlQuery,
)
from osiris.components.partition import Partition, check_limit
from osiris.components.query_or_table import check_query_or_table
from osiris.components.tls import Tls

Name = Annotated[str, Field(min_length=1)]


class MySQLConnection(Connection):
    """Where a MySQL or MariaDB server is and who asks; `socket` stands instead of host and port."""

    host: Name = Field("localhost", description="name or address of the server")
    port: int = Field(3306, ge=1, le=65535)
    socket: Name | None = Field(None, description="path of a Unix socket, instead of host and port")
    database: Name | None = Field(None, description="default database of the queries")
    user: Name
    password: SecretStr | None = None
    tls: Tls = Tls()
    connect_timeout: float = Field(
        10, gt=0, le=3600, description="seconds to wait for the server while connecting"
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.socket and {"host", "port"} & self.model_fields_set:
            msg = "socket stands instead of host and port; name one or the other"
            raise ValueError(msg)
        if self.socket and self.tls.mode == "verify_identity":
            msg = "a socket has no host name to verify; set tls.mode: verify_ca"
            raise ValueError(msg)
        return self

    def hosts(self) -> Sequence[tuple[str, int]]:
        """Return the server's address; nothing for a Unix socket."""
        return () if self.socket else ((self.host, self.port),)


class MySQLPartition(Partition):
    """How MySQL's ranges are kept to one state of the data."""

    snapshot: Literal["one", "each"] = Field(
        "one",
        description="one: all ranges see the same state, which takes a read lock for the moment in"
        " which they begin (privilege LOCK TABLES for a table, RELOAD for a query); each: every"
        " range sees a state of its own, moments apart, without a lock",
    )


class MySQLExtractorConfig(ComponentConfig):
    """What to read: a `query`, or a `table` with the `columns` and the `limit` wanted."""

    connection: MySQLConnection
    query: Annotated[Name | None, SqlQuery("mysql")] = Field(
        None, description="one statement that returns rows; nothing in it is replaced, % included"
    )
    table: Name | None = Field(
        None, description="name of a table or view of the default database, as it is (no quoting)"
    )
    columns: Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
        None, description="with table: the columns to read, in this order; all when left out"
    )
    limit: int | None = Field(None, ge=0, description="with table: at most so many rows")
    tinyint1: Literal["int8", "bool"] = Field(
        "int8", description="type of TINYINT(1); as bool any value but 0 and 1 fails the step"
    )
    zero_dates: Literal["null", "error"] = Field(
        "null", description="0000-00-00 and dates like 2024-02-00: NULL, counted, or fail the step"
    )
    partition: MySQLPartition | None = Field(
        None, description="read ranges of a column at the same time; their order stays the same"
    )

    @model_validator(mode="after")
    def _query_or_table(self) -> Self:
        check_query_or_table(self, "columns", "limit")
        check_limit(self.partition, self.limit)
        named = [self.table or "", *(self.columns or ())]
        partitioned = self.partition.column if self.partition else ""
        if any("\0" in name for name in [*named, partitioned]):
            msg = "a name in MySQL cannot hold a NUL character"
            raise ValueError(msg)
        return self


COMPONENT = Component(
    name="mysql.extractor",
    modes=frozenset({Mode.READ}),
    config=MySQLExtractorConfig,
    driver="osiris.drivers.mysql_extractor:MySQLExtractorDriver",
    summary="Reads a table or the rows of a query from MySQL or MariaDB, exact in every type.",
    extra="mysql",
    packages=("numpy", "pymysql"),
    examples=(
        Example("A whole table", {"connection": "@mysql.db_movies", "table": "movies"}),
        Example(
            "Some columns of the first rows, TINYINT(1) as booleans",
            {
                "connection": "@mysql.db_movies",
                "table": "movies",
                "columns": ["id", "title"],
                "limit": 1000,
                "tinyint1": "bool",
            },
        ),
        Example(
            "A query; a date that is none stops the step",
            {
                "connection": "@mysql.db_movies",
                "query": "SELECT title, COUNT(*) AS reviews FROM movies"
                " JOIN reviews ON movie_id = movies.id GROUP BY title",
                "zero_dates": "error",
            },
        ),
        Example(
            "A large table in four ranges at once",
            {
                "connection": "@mysql.db_movies",
                "table": "ratings",
                "partition": {"column": "id", "parts": 4},
            },
        ),
    ),
)

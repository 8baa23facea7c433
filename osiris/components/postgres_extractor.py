"""The `postgres.extractor` component: a query or a table of PostgreSQL."""

import warnings
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from osiris.components.component import Component, ComponentConfig, Example, Mode, SqlQuery
from osiris.components.partition import Partition, check_limit
from osiris.components.postgres_connection import Name, PostgresConnection
from osiris.components.query_or_table import check_query_or_table

with warnings.catch_warnings():
    # pydantic has a deprecated method of this name; the option is called what databases call it.
    warnings.filterwarnings("ignore", 'Field name "schema"', UserWarning)

    class PostgresReading(ComponentConfig):
        """What to read: a `query`, or a `table` with the `columns` and the `limit` wanted."""

        query: Annotated[Name | None, SqlQuery("postgres")] = Field(
            None,
            description="one statement that returns rows; nothing in it is replaced, % included",
        )
        table: Name | None = Field(
            None, description="name of a table or view, as it is (no quoting, no schema in it)"
        )
        schema: Name | None = Field(  # type: ignore[assignment]  # as above
            None,
            description="with table: its schema; left out, the connection's search_path decides",
        )
        columns: Annotated[tuple[Name, ...], Field(min_length=1)] | None = Field(
            None, description="with table: the columns to read, in this order; all when left out"
        )
        limit: int | None = Field(None, ge=0, description="with table: at most so many rows")
        infinite_dates: Literal["null", "error"] = Field(
            "null",
            description="infinity, years BC and from 10000 on, 24:00:00: NULL, counted, or fail the"
            " step",
        )
        numeric_nan: Literal["null", "error"] = Field(
            "null", description="NaN in numeric(p,s): NULL, counted, or fail the step"
        )
        partition: Partition | None = Field(
            None, description="read ranges of a column at the same time; their order stays the same"
        )

        @model_validator(mode="after")
        def _query_or_table(self) -> Self:
            check_query_or_table(self, "schema", "columns", "limit")
            check_limit(self.partition, self.limit)
            return self


class PostgresExtractorConfig(PostgresReading):
    """What to read: a `query`, or a `table` with the `columns` and the `limit` wanted."""

    connection: PostgresConnection


COMPONENT = Component(
    name="postgres.extractor",
    modes=frozenset({Mode.READ}),
    config=PostgresExtractorConfig,
    driver="osiris.drivers.postgres_extractor:PostgresExtractorDriver",
    summary="Reads a table or the rows of a query from PostgreSQL, exact in every type.",
    extra="postgres",
    packages=("numpy",),
    examples=(
        Example("A whole table", {"connection": "@postgres.shop", "table": "orders"}),
        Example(
            "Some columns of the first rows of a table in another schema",
            {
                "connection": "@postgres.shop",
                "schema": "sales",
                "table": "orders",
                "columns": ["id", "placed_at"],
                "limit": 1000,
            },
        ),
        Example(
            "A query, its sums as decimals; a date that is none stops the step",
            {
                "connection": "@postgres.shop",
                "query": "SELECT customer, SUM(amount)::numeric(20, 2) AS amount FROM orders"
                " GROUP BY customer ORDER BY customer",
                "infinite_dates": "error",
            },
        ),
        Example(
            "A large table in four ranges at once",
            {
                "connection": "@postgres.shop",
                "table": "orders",
                "partition": {"column": "id", "parts": 4},
            },
        ),
    ),
)

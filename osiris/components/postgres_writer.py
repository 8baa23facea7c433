"""The `postgres.writer` component: a table into a table of PostgreSQL, in one transaction."""

from osiris.components.component import Component, Example, Mode
from osiris.components.postgres_connection import PostgresConnection
from osiris.components.table_writer import TableWriterConfig


class PostgresWriterConfig(TableWriterConfig):
    """Where the rows go and how; see the guide to writing into databases."""

    connection: PostgresConnection


COMPONENT = Component(
    name="postgres.writer",
    modes=frozenset({Mode.WRITE}),
    config=PostgresWriterConfig,
    driver="osiris.drivers.postgres_writer:PostgresWriterDriver",
    summary="Writes a table into PostgreSQL: append, replace or upsert, all rows or none.",
    extra="postgres",
    packages=("numpy", "psycopg"),
    examples=(
        Example("Append the rows, all or none", {"connection": "@postgres.dwh", "table": "movies"}),
        Example(
            "Replace what is there; make the table the first time",
            {
                "connection": "@postgres.dwh",
                "schema": "public",
                "table": "movies",
                "write_mode": "replace",
                "create_if_missing": True,
                "primary_key": ["id"],
            },
        ),
        Example(
            "Rows with a known key take the place of the old ones; new columns are added",
            {
                "connection": "@postgres.dwh",
                "table": "movies",
                "write_mode": "upsert",
                "primary_key": ["id"],
                "on_new_column": "evolve",
            },
        ),
    ),
)

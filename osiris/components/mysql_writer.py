"""The `mysql.writer` component: its configuration."""

from osiris.components.component import Component, Example, Mode
from osiris.components.mysql_extractor import MySQLConnection
from osiris.components.table_writer import TableWriterConfig


class MySQLWriterConfig(TableWriterConfig):
    """Which table of a MySQL or MariaDB server, and how; `schema` is what MySQL calls database."""

    connection: MySQLConnection


COMPONENT = Component(
    name="mysql.writer",
    modes=frozenset({Mode.WRITE}),
    config=MySQLWriterConfig,
    driver="osiris.drivers.mysql_writer:MySQLWriterDriver",
    summary="Writes a table of MySQL or MariaDB, all or nothing: appends, replaces or upserts.",
    extra="mysql",
    packages=("numpy", "pymysql"),
    examples=(
        Example("Append to a table", {"connection": "@mysql.db_movies", "table": "ratings"}),
        Example(
            "Replace a table, made when it is not there",
            {
                "connection": "@mysql.db_movies",
                "table": "top_movies",
                "write_mode": "replace",
                "create_if_missing": True,
            },
        ),
        Example(
            "Upsert by a key; new columns are added to the table",
            {
                "connection": "@mysql.db_movies",
                "table": "reviews",
                "write_mode": "upsert",
                "primary_key": ["id"],
                "on_new_column": "evolve",
            },
        ),
    ),
)

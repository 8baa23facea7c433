"""The component `duckdb.writer`: a table into a table of a DuckDB file, in one transaction."""

from typing import Annotated

from pydantic import Field

from osiris.components.component import Component, Example, Mode, TargetPath
from osiris.components.table_writer import TableWriterConfig


class DuckDBWriterConfig(TableWriterConfig):
    """Where the rows go and how; see the guide to DuckDB and SQLite files."""

    path: Annotated[str, TargetPath(beside=(".wal", ".wal.checkpoint", ".wal.recovery"))] = Field(
        min_length=1,
        description=(
            "The database's file, relative to the project; it is changed in place, and made when "
            "it is not there and create_if_missing is true."
        ),
    )
    memory_limit: str = Field(
        default="512MB",
        pattern=r"^[1-9][0-9]*(\.[0-9]+)? ?(MB|GB|MiB|GiB)$",
        description="Memory that DuckDB may take; the index of a primary key must fit into it.",
    )


COMPONENT = Component(
    name="duckdb.writer",
    modes=frozenset({Mode.WRITE}),
    config=DuckDBWriterConfig,
    driver="osiris.drivers.duckdb_writer:DuckDBWriterDriver",
    summary="Writes a table into a DuckDB file: append, replace or upsert, all rows or none.",
    extra="duckdb",
    packages=("duckdb",),
    examples=(
        Example(
            "Replace what is there; make file and table the first time",
            {
                "path": "warehouse.duckdb",
                "table": "movies",
                "write_mode": "replace",
                "create_if_missing": True,
            },
        ),
        Example(
            "Rows with a known key take the place of the old ones",
            {
                "path": "warehouse.duckdb",
                "table": "movies",
                "write_mode": "upsert",
                "primary_key": ["id"],
                "on_new_column": "evolve",
            },
        ),
    ),
)

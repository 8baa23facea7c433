"""The component `duckdb.extractor`: a table or the rows of a query from a DuckDB file."""

import warnings
from typing import Annotated, Self

from pydantic import Field, model_validator

from osiris.components.component import (
    Component,
    ComponentConfig,
    Example,
    InputPath,
    Mode,
    SqlQuery,
)
from osiris.components.query_or_table import check_query_or_table

Name = Annotated[str, Field(min_length=1)]


with warnings.catch_warnings():
    # pydantic has a deprecated method of this name; the option is called what databases call it.
    warnings.filterwarnings("ignore", 'Field name "schema"', UserWarning)

    class DuckDBExtractorConfig(ComponentConfig):
        """What to read: a `query`, or a `table` with the `columns` wanted."""

        path: Annotated[str, InputPath(beside=(".wal",))] = Field(
            min_length=1, description="The database's file, relative to the project."
        )
        query: Annotated[Name | None, SqlQuery("duckdb")] = Field(
            default=None,
            description="One SELECT. No other file and no network can be reached, nothing changed.",
        )
        table: Name | None = Field(
            default=None, description="The name of a table or view, instead of a query."
        )
        schema: Name | None = Field(  # type: ignore[assignment]  # as above
            default=None, description="With table: the schema that holds it, if not main."
        )
        columns: list[Name] = Field(
            default_factory=list,
            description="With table: the columns to read, in this order; all when none is named.",
        )
        memory_limit: str = Field(
            default="256MB",
            pattern=r"^[1-9][0-9]*(\.[0-9]+)? ?(MB|GB|MiB|GiB)$",
            description="Memory for sorting, joining and grouping; what is beyond goes to disk.",
        )

        @model_validator(mode="after")
        def _query_or_table(self) -> Self:
            check_query_or_table(self, "schema", "columns")
            return self


COMPONENT = Component(
    name="duckdb.extractor",
    modes=frozenset({Mode.READ}),
    config=DuckDBExtractorConfig,
    driver="osiris.drivers.duckdb_extractor:DuckDBExtractorDriver",
    summary="Reads a table or the rows of a query from a DuckDB file, which it cannot change.",
    extra="duckdb",
    packages=("duckdb",),
    examples=(
        Example("A whole table", {"path": "data/movies.duckdb", "table": "movies"}),
        Example(
            "A query",
            {
                "path": "data/movies.duckdb",
                "query": "SELECT genre, count(*) AS movies FROM movies GROUP BY ALL ORDER BY ALL",
            },
        ),
    ),
)

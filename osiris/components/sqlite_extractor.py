"""The component `sqlite.extractor`: a table or the rows of a query from a SQLite file."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from osiris.components.column_type import COLUMN_TYPES, canonical_type
from osiris.components.component import (
    Component,
    ComponentConfig,
    Example,
    InputPath,
    Mode,
    SqlQuery,
)
from osiris.components.query_or_table import check_query_or_table


def _sqlite_type(name: str) -> str:
    return "binary" if name.strip().lower() in {"binary", "blob"} else canonical_type(name)


SqliteType = Annotated[
    str,
    AfterValidator(_sqlite_type),
    Field(description=f"One of {', '.join(COLUMN_TYPES)}, binary."),
]

Name = Annotated[str, Field(min_length=1)]


class SqliteExtractorConfig(ComponentConfig):
    """What to read: a `query`, or a `table` with the `columns` wanted."""

    path: Annotated[str, InputPath(beside=("-wal", "-shm"))] = Field(
        min_length=1, description="The database's file, relative to the project."
    )
    query: Annotated[Name | None, SqlQuery("sqlite")] = Field(
        default=None, description="One SELECT. It sees one state of the database, and no other."
    )
    table: Name | None = Field(
        default=None, description="The name of a table or view, instead of a query."
    )
    columns: list[Name] = Field(
        default_factory=list,
        description="With table: the columns to read, in this order; all when none is named.",
    )
    types: dict[str, SqliteType] = Field(
        default_factory=dict,
        description=(
            "The types of the columns named, instead of those the database declares. string and "
            "binary take every value."
        ),
    )
    busy_timeout: float = Field(
        default=5,
        ge=0,
        le=3600,
        description="Seconds to wait while another program has the database locked.",
    )

    @model_validator(mode="after")
    def _query_or_table(self) -> Self:
        check_query_or_table(self, "columns")
        return self


COMPONENT = Component(
    name="sqlite.extractor",
    modes=frozenset({Mode.READ}),
    config=SqliteExtractorConfig,
    driver="osiris.drivers.sqlite_extractor:SqliteExtractorDriver",
    summary="Reads a table or the rows of a query from a SQLite file; no value is bent to a type.",
    examples=(
        Example("A whole table", {"path": "data/movies.db", "table": "movies"}),
        Example(
            "A query, and a type that the database does not declare",
            {
                "path": "data/movies.db",
                "query": "SELECT title, json_extract(facts, '$.premiere') AS premiere FROM movies",
                "types": {"premiere": "date"},
            },
        ),
    ),
)

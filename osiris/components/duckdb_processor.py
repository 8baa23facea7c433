"""The component `duckdb.processor`: one SQL query over its inputs."""

from typing import Annotated

from pydantic import Field

from osiris.components.component import Component, ComponentConfig, Example, Mode, SqlQuery


class DuckDBProcessorConfig(ComponentConfig):
    """The query and the resources it may use."""

    query: Annotated[str, SqlQuery("duckdb")] = Field(
        min_length=1,
        description=(
            "One SELECT. Each input is a table named after the step that makes it and after the "
            "input; a single input is also called df. No file and no network can be reached."
        ),
    )
    memory_limit: str = Field(
        default="256MB",
        pattern=r"^[1-9][0-9]*(\.[0-9]+)? ?(MB|GB|MiB|GiB)$",
        description="Memory for sorting, joining and grouping; what is beyond goes to disk.",
    )
    threads: int | None = Field(
        default=None, ge=1, le=256, description="Threads of the query; one for each core if unset."
    )


COMPONENT = Component(
    name="duckdb.processor",
    modes=frozenset({Mode.TRANSFORM}),
    config=DuckDBProcessorConfig,
    driver="osiris.drivers.duckdb_processor:DuckDBProcessorDriver",
    summary="Runs one SQL query over its inputs, each a table named after its step.",
    extra="duckdb",
    packages=("duckdb",),
    examples=(
        Example(
            "One input",
            {"query": "SELECT genre, count(*) AS movies FROM df GROUP BY genre ORDER BY genre"},
        ),
        Example(
            "Two inputs, more memory",
            {
                "query": (
                    "SELECT m.title, avg(r.score) AS score\n"
                    "FROM movies AS m JOIN reviews AS r ON r.movie_id = m.id\n"
                    "GROUP BY m.title ORDER BY score DESC, m.title"
                ),
                "memory_limit": "2GB",
            },
        ),
    ),
)

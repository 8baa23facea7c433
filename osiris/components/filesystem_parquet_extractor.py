"""The component `filesystem.parquet_extractor`: Parquet files as one table."""

from typing import Annotated

from pydantic import Field, field_validator

from osiris.components.component import Component, ComponentConfig, Example, InputPath, Mode
from osiris.components.s3_connection import S3Connection


class ParquetExtractorConfig(ComponentConfig):
    """Which files to read, and which of their columns."""

    connection: S3Connection | None = Field(
        default=None,
        description="A bucket whose objects are read instead of files here.",
    )
    path: Annotated[str, InputPath()] = Field(
        min_length=1,
        description=(
            "A file, or a pattern with * ? [a-z] and **, relative to the project. The files a "
            "pattern matches are read in the order of their names and must have the same columns "
            "of the same types."
        ),
    )
    columns: list[str] = Field(
        default_factory=list,
        description="The columns wanted, in this order; all when none is named.",
    )

    @field_validator("columns")
    @classmethod
    def _each_once(cls, columns: list[str]) -> list[str]:
        if len(set(columns)) < len(columns):
            raise ValueError("columns names a column twice")
        return columns


COMPONENT = Component(
    name="filesystem.parquet_extractor",
    modes=frozenset({Mode.READ}),
    config=ParquetExtractorConfig,
    driver="osiris.drivers.filesystem_parquet_extractor:FilesystemParquetExtractorDriver",
    summary="Reads Parquet files as one table, in the types they hold.",
    examples=(
        Example("A file", {"path": "data/movies.parquet"}),
        Example(
            "Some columns of many files",
            {"path": "data/reviews/**/*.parquet", "columns": ["movie_id", "score"]},
        ),
    ),
)

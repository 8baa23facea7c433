"""The component `filesystem.parquet_writer`: a table into one Parquet file."""

from typing import Literal

from pydantic import Field

from osiris.components.component import Component, ComponentConfig, Example, Mode
from osiris.components.published_path import PublishedPath
from osiris.components.s3_connection import S3Connection


class ParquetWriterConfig(ComponentConfig):
    """Where the file goes and how it is written down."""

    connection: S3Connection | None = Field(
        default=None,
        description="A bucket that gets the file, instead of a path here.",
    )
    path: PublishedPath = Field(
        min_length=1, description="Where the file is published, relative to the project."
    )
    compression: Literal["zstd", "snappy", "gzip", "none"] = Field(
        default="zstd", description="How the pages of each column are compressed."
    )
    row_group_size: int = Field(
        default=128 * 1024,
        ge=1,
        le=1_048_576,
        description=(
            "The most rows of a row group. Memory grows with it; a row group of long rows ends "
            "when it takes 64 MB."
        ),
    )
    statistics: bool = Field(
        default=True,
        description="Whether smallest and largest values are kept, by which readers skip data.",
    )


COMPONENT = Component(
    name="filesystem.parquet_writer",
    modes=frozenset({Mode.WRITE}),
    config=ParquetWriterConfig,
    driver="osiris.drivers.filesystem_parquet_writer:FilesystemParquetWriterDriver",
    summary="Writes a table into one Parquet file, complete or not at all.",
    examples=(
        Example("A Parquet file", {"path": "output/movies.parquet"}),
        Example(
            "For readers that know no zstd",
            {"path": "output/movies.parquet", "compression": "snappy"},
        ),
    ),
)

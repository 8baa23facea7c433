"""The component `filesystem.csv_extractor`: CSV files as one table."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from osiris.components.column_type import ColumnType
from osiris.components.component import Component, ComponentConfig, Example, InputPath, Mode
from osiris.components.csv_dialect import Compression, Delimiter, Encoding, Quote
from osiris.components.s3_connection import S3Connection

DEFAULT_ROW_BYTES = 2_000_000


class CsvColumn(BaseModel):
    """The name and the type of one column."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    type: ColumnType


class CsvExtractorConfig(ComponentConfig):
    """Which files to read and how they are written down."""

    connection: S3Connection | None = Field(
        default=None,
        description="A bucket whose objects are read instead of files here.",
    )
    path: Annotated[str, InputPath()] = Field(
        min_length=1,
        description=(
            "A file, or a pattern with * ? [a-z] and **, relative to the project. The files a "
            "pattern matches are read in the order of their names and must have the same columns."
        ),
    )
    delimiter: Delimiter = ","
    quote: Quote = '"'
    header: bool = Field(default=True, description="Whether the first line holds the column names.")
    columns: dict[str, ColumnType] | list[CsvColumn] = Field(
        default_factory=dict,
        description=(
            "The types of the columns named. Without a header: a list of {name, type}, one for "
            "each column in the file's order."
        ),
    )
    infer: bool = Field(
        default=True,
        description=(
            "Whether the types of columns not named are inferred from the head of the first file; "
            "otherwise they are strings."
        ),
    )
    null_text: str | list[str] = Field(
        default="",
        description="What stands for NULL when it is not quoted; several spellings as a list.",
    )
    encoding: Encoding = "utf-8"
    compression: Compression = Field(
        default="infer", description="infer: by the suffix of each file, .gz or .zst."
    )
    parallel: bool = Field(
        default=True,
        description="Whether several threads read a file. An error says when to turn it off.",
    )
    max_row_bytes: int = Field(
        default=DEFAULT_ROW_BYTES,
        ge=DEFAULT_ROW_BYTES,
        le=200_000_000,
        description=(
            "The longest row in bytes. Memory grows with it. Uncompressed files up to 32 MB may "
            "have longer ones in any case."
        ),
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote must differ")
        # The order of a mapping's keys does not survive canonical JSON: a list keeps it.
        if not self.header and (not self.columns or isinstance(self.columns, dict)):
            raise ValueError(
                "without a header, columns must be a list of {name, type} in the file's order"
            )
        names = [name.casefold() for name in self.declared]
        if duplicates := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"columns names {', '.join(duplicates)} more than once")
        if "" in names:
            raise ValueError("a column needs a name")
        if not self.null_texts:
            raise ValueError('null_text must name at least one text; the default is ""')
        if any(set(text) & {"\r", "\n"} for text in self.null_texts):
            raise ValueError("null_text must not hold a line end")
        return self

    @property
    def declared(self) -> dict[str, str]:
        """The declared columns in order: name to canonical type."""
        if isinstance(self.columns, dict):
            return dict(self.columns)
        return {column.name: column.type for column in self.columns}

    @property
    def null_texts(self) -> tuple[str, ...]:
        """Every spelling of NULL."""
        return (self.null_text,) if isinstance(self.null_text, str) else tuple(self.null_text)


COMPONENT = Component(
    name="filesystem.csv_extractor",
    modes=frozenset({Mode.READ}),
    config=CsvExtractorConfig,
    driver="osiris.drivers.filesystem_csv_extractor:FilesystemCsvExtractorDriver",
    summary="Reads CSV files as one table; a value that does not fit its type is an error.",
    extra="duckdb",
    packages=("duckdb",),
    examples=(
        Example("Types from the data", {"path": "data/movies.csv"}),
        Example(
            "Types declared, many files",
            {
                "path": "data/reviews-*.csv.gz",
                "columns": {"id": "bigint", "score": "decimal(3,1)", "created": "timestamp"},
            },
        ),
        Example(
            "No header",
            {
                "path": "data/actors.tsv",
                "delimiter": "\t",
                "header": False,
                "columns": [
                    {"name": "id", "type": "integer"},
                    {"name": "name", "type": "string"},
                ],
            },
        ),
    ),
)

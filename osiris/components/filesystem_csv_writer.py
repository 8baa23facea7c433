"""The component `filesystem.csv_writer`: a table into one CSV file."""

from datetime import datetime, time
from typing import Literal, Self

from pydantic import Field, model_validator

from osiris.components.component import Component, ComponentConfig, Example, Mode
from osiris.components.csv_dialect import Compression, Delimiter, Encoding
from osiris.components.published_path import PublishedPath
from osiris.components.s3_connection import S3Connection


def _reads_as_a_value(text: str) -> bool:
    for parse in (float, datetime.fromisoformat, time.fromisoformat):
        try:
            parse(text)
        except ValueError:
            continue
        return True
    return text.lower() in {"true", "false"}


class CsvWriterConfig(ComponentConfig):
    """Where the file goes and how it is written down."""

    connection: S3Connection | None = Field(
        default=None,
        description="A bucket that gets the file, instead of a path here.",
    )
    path: PublishedPath = Field(
        min_length=1, description="Where the file is published, relative to the project."
    )
    delimiter: Delimiter = ","
    header: bool = Field(default=True, description="Whether the first line holds the column names.")
    encoding: Encoding = "utf-8"
    newline: Literal["lf", "crlf"] = Field(default="lf", description="How a line ends.")
    quoting: Literal["minimal", "strings", "all", "none"] = Field(
        default="strings",
        description=(
            "strings: every text, so that a reader can tell 007 from 7; minimal: what would be "
            "misread without quotes; all: every value; none: nothing, and a value that would need "
            "quotes is an error. NULL is never quoted."
        ),
    )
    null_text: str = Field(
        default="",
        description="What stands for NULL. A text that is the same is quoted, so they stay apart.",
    )
    compression: Compression = Field(
        default="infer", description="infer: by the suffix of the path, .gz or .zst."
    )

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if not set(self.null_text).isdisjoint({self.delimiter, '"', "\r", "\n"}):
            raise ValueError("null_text must not hold the delimiter, a quote or a line end")
        if _reads_as_a_value(self.null_text):
            raise ValueError(
                f"null_text {self.null_text!r} reads as a value, so NULL could not be told from it"
            )
        return self


COMPONENT = Component(
    name="filesystem.csv_writer",
    modes=frozenset({Mode.WRITE}),
    config=CsvWriterConfig,
    driver="osiris.drivers.filesystem_csv_writer:FilesystemCsvWriterDriver",
    summary="Writes a table into one CSV file, complete or not at all.",
    examples=(
        Example("A plain CSV file", {"path": "output/movies.csv"}),
        Example(
            "For a spreadsheet in western Europe",
            {
                "path": "output/movies.csv",
                "delimiter": ";",
                "encoding": "cp1252",
                "newline": "crlf",
            },
        ),
        Example(
            "Compressed, NULL spelt out",
            {"path": "output/movies.csv.gz", "null_text": "\\N"},
        ),
    ),
)

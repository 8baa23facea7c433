"""Writing tables as CSV: RFC 4180, NULL and empty text apart, the same bytes however batched."""

import codecs
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Protocol

import pyarrow as pa
import pyarrow.csv as pacsv

from osiris.core.csv_quotes import minimal_lines
from osiris.core.csv_text import as_text, text_schema
from osiris.core.errors import DataError

_STYLES = {"strings": "needed", "all": "all_valid", "none": "none"}
_EOL = {"lf": "\n", "crlf": "\r\n"}
_ROWS_AT_ONCE = 8192


class ByteSink(Protocol):
    """What CSV is written to."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take all of the data."""


@dataclass(frozen=True)
class CsvOptions:
    """How a table is written down.

    `quoting`: `strings` quotes every text and nothing else (pyarrow's own way, the fastest, and a
    reader can tell "007" from 7); `minimal` quotes what would be misread without; `all` quotes
    every value; `none` nothing, and a value that needs quotes is an error. NULL is never quoted.
    """

    delimiter: str = ","
    header: bool = True
    encoding: str = "utf-8"
    newline: str = "lf"
    quoting: str = "strings"
    null_text: str = ""

    def with_header(self, header: bool) -> "CsvOptions":  # noqa: FBT001 - it says what it sets
        """Return the same options with or without a header line."""
        return replace(self, header=header)

    @property
    def eol(self) -> str:
        """The characters that end a line."""
        return _EOL[self.newline]


class CsvSink:
    """Writes record batches of one schema to a binary file, the header at once.

    The file is not closed. Raises `DataError` for a value that the options cannot write, naming
    its column and row, and whatever the file raises.
    """

    def __init__(self, file: ByteSink, schema: pa.Schema, options: CsvOptions) -> None:
        if not len(schema):
            raise DataError("a table without columns cannot be written as CSV")
        self._file = file
        self._schema = text_schema(schema)
        self._options = options
        self._rows = 0
        plain = codecs.lookup(options.encoding).name == "utf-8"
        self._encoder = None if plain else codecs.getincrementalencoder(options.encoding)()
        if options.header:
            header = self._formatted(pa.RecordBatch.from_pylist([], schema=self._schema), head=True)
            self._emit(header, None)

    def write(self, batch: pa.RecordBatch) -> None:
        """Write the rows of one batch."""
        if not batch.num_rows:
            return
        columns = [as_text(column) for column in batch.columns]
        text = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        self._emit(self._formatted(text, head=False), text)
        self._rows += batch.num_rows

    def close(self) -> None:
        """End the text; a stateful encoding may have some bytes left."""
        if self._encoder is not None:
            self._file.write(self._encoder.encode("", final=True))

    def _formatted(self, batch: pa.RecordBatch, *, head: bool) -> memoryview:
        options = self._options
        if options.quoting == "minimal":
            return minimal_lines(
                batch,
                delimiter=options.delimiter,
                eol=options.eol,
                null_text=options.null_text,
                header=head,
            )
        try:
            buffer = BytesIO()
            pacsv.write_csv(batch, buffer, self._write_options(head=head))
        except pa.ArrowInvalid as error:
            raise DataError(
                f"rows {self._rows + 1} to {self._rows + batch.num_rows} hold a value that "
                f"needs quotes, and quoting is none",
                hint="choose `quoting: minimal`, or another delimiter",
            ) from error
        return buffer.getbuffer()

    def _write_options(self, *, head: bool) -> pacsv.WriteOptions:
        style = _STYLES[self._options.quoting]
        return pacsv.WriteOptions(
            include_header=head,
            batch_size=_ROWS_AT_ONCE,
            delimiter=self._options.delimiter,
            eol=self._options.eol,
            null_string=self._options.null_text,
            quoting_style=style,
            quoting_header="none" if style == "none" else "needed",
        )

    def _emit(self, data: memoryview, batch: pa.RecordBatch | None) -> None:
        if self._encoder is None:
            self._file.write(data)
            return
        try:
            self._file.write(self._encoder.encode(str(data, "utf-8")))
        except UnicodeEncodeError as error:
            raise self._unencodable(error, batch) from error

    def _unencodable(self, error: UnicodeEncodeError, batch: pa.RecordBatch | None) -> DataError:
        """Return the error that names the first cell the encoding has no bytes for."""
        character = error.object[error.start]
        where = "the header"
        if batch is not None:
            where = f"rows {self._rows + 1} to {self._rows + batch.num_rows}"
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                row = _row_with(column, character)
                if row is not None:
                    where = f"column {name!r}, row {self._rows + row + 1}"
                    break
        return DataError(
            f"{where}: {character!r} (U+{ord(character):04X}) does not exist in "
            f"{self._options.encoding}",
            hint="choose `encoding: utf-8`, or take the character out in SQL",
        )


def _row_with(column: pa.Array, character: str) -> int | None:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    texts = enumerate(column.to_pylist())
    return next((row for row, text in texts if text is not None and character in text), None)

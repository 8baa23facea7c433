"""Writing tables as CSV: RFC 4180, NULL and empty text apart, the same bytes however batched.

In a table of one column a NULL that is written as "" is an empty line. Readers that keep empty
lines (DuckDB, PostgreSQL, Python's `csv.reader`) keep the row; for others choose a `null_text`.
"""

import codecs
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from osiris.core.csv_quotes import LineStyle, needs_quotes, quoted_lines
from osiris.core.csv_text import UnwritableError, as_text, is_long_decimal, text_type
from osiris.core.errors import DataError

_STYLES = {"strings": "needed", "all": "all_valid", "none": "none"}
_EOL = {"lf": "\n", "crlf": "\r\n"}
_ROWS_AT_ONCE = 8192
_SHOWN = 80


class ByteSink(Protocol):
    """What CSV is written to."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take all of the data."""


@dataclass(frozen=True)
class CsvOptions:
    """How a table is written down.

    `quoting`: `strings` quotes every text and nothing else (pyarrow's own way, the fastest, and a
    reader can tell "007" from 7); `minimal` quotes what would be misread without; `all` quotes
    every value; `none` nothing, and a text that needs quotes or reads as NULL is an error. NULL is
    never quoted.
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
        self._options = options
        self._schema = _text_schema(schema, options)
        self._numbers = frozenset(i for i, f in enumerate(schema) if is_long_decimal(f.type))
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
        columns = [self._as_text(i, column) for i, column in enumerate(batch.columns)]
        text = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        if self._options.quoting == "none":
            self._check_unquoted(text)
        self._emit(self._formatted(text, head=False), text)
        self._rows += batch.num_rows

    def close(self) -> None:
        """End the text; a stateful encoding may have some bytes left."""
        if self._encoder is not None:
            self._file.write(self._encoder.encode("", final=True))

    def _as_text(self, index: int, column: pa.Array) -> pa.Array:
        field = self._schema.field(index)
        try:
            return as_text(column).cast(field.type)
        except UnwritableError as error:
            raise DataError(
                f"{self._cell(field.name, error.row)}: {error}",
                hint="make it NULL or a text in SQL",
            ) from error

    def _cell(self, column: str, row: int) -> str:
        return f"column {column!r}, row {self._rows + row + 1}"

    def _formatted(self, batch: pa.RecordBatch, *, head: bool) -> memoryview:
        options = self._options
        minimal = options.quoting == "minimal"
        if minimal or (self._numbers and options.quoting == "strings"):
            style = LineStyle(
                options.delimiter, options.eol, options.null_text, minimal, self._numbers
            )
            return quoted_lines(batch, style, header=head)
        if head and options.quoting == "none":
            self._check_unquoted(
                pa.RecordBatch.from_pydict({"the header": pa.array(batch.schema.names)})
            )
        buffer = BytesIO()
        pacsv.write_csv(batch, buffer, self._write_options(head=head))
        return buffer.getbuffer()

    def _check_unquoted(self, batch: pa.RecordBatch) -> None:
        """Raise `DataError` when a text cannot be told from structure or from NULL."""
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if not _is_text(column.type):
                continue
            compact = pa.concat_arrays([column])
            need = needs_quotes(compact, self._options.delimiter, self._options.null_text)
            row = pc.index(need, value=True).as_py()
            if row >= 0:
                raise DataError(
                    f"{self._cell(name, row)}: {_shortened(column[row].as_py())} needs quotes, "
                    "and quoting is none",
                    hint="choose `quoting: minimal`, another delimiter or another null_text",
                )

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
                    where = self._cell(name, row)
                    break
        return DataError(
            f"{where}: {character!r} (U+{ord(character):04X}) does not exist in "
            f"{self._options.encoding}",
            hint="choose `encoding: utf-8`, or take the character out in SQL",
        )


def _row_with(column: pa.Array, character: str) -> int | None:
    if not _is_text(column.type):
        return None
    row = pc.index(pc.match_substring(column, character), value=True).as_py()
    return int(row) if row >= 0 else None


def _text_schema(schema: pa.Schema, options: CsvOptions) -> pa.Schema:
    """Return the schema of the batches that are written, texts where pyarrow cannot write."""
    fields = []
    for field in schema:
        try:
            kind = text_type(field.type)
        except pa.ArrowNotImplementedError as error:
            raise DataError(
                f"column {field.name!r} is a {field.type}, which CSV cannot hold",
                hint="cast it in SQL",
            ) from error
        if pa.types.is_temporal(kind) and options.delimiter in " :":
            kind = pa.string()  # so that it is quoted
        fields.append((field.name, kind))
    return pa.schema(fields)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _shortened(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")

"""CSV files as a table that DuckDB reads where they lie."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.errors import DataError
from osiris.drivers.csv.casts import TypedColumn
from osiris.drivers.csv.inference import infer_types
from osiris.drivers.csv.source import SourceFile, read_header, readable_files
from osiris.drivers.duckdb.connection import connect, identifier, literal, reader

_SHOWN = 80


@dataclass(frozen=True)
class _Dialect:
    """The arguments of `read_csv` that say how the files are written."""

    delimiter: str
    quote: str
    header: bool
    null_texts: tuple[str, ...]


class CsvScan:
    """One table in one or more CSV files; a `core.stream.Scan`."""

    def __init__(
        self, files: Sequence[SourceFile], columns: Sequence[TypedColumn], dialect: _Dialect
    ) -> None:
        self._files = list(files)
        self._columns = list(columns)
        self._dialect = dialect
        self._stamps = [_stamp(file.readable) for file in files]
        with contextlib.closing(self._connect()) as connection:
            self._schema = reader(connection, f"{self.sql} LIMIT 0").schema

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the table."""
        return self._schema

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that `sql` reads."""
        return tuple(str(file.readable) for file in self._files)

    @property
    def sql(self) -> str:
        """The SELECT that reads the table with its types."""
        selected = ", ".join(column.select for column in self._columns)
        return f"SELECT {selected} FROM {self._read_csv()}"

    def _read_csv(self, *more: str) -> str:
        """Return the table function that reads every cell as text."""
        texts = ", ".join(f"{literal(column.name)}: 'VARCHAR'" for column in self._columns)
        return read_csv(self._files, self._dialect, texts, *more)

    def count(self) -> int:
        """Return the number of rows, by reading the files."""
        with contextlib.closing(self._connect()) as connection:
            query = f"SELECT count(*) FROM {self._read_csv()}"
            return int(connection.execute(query).fetchone()[0])

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Stream the table."""
        batches = pa.RecordBatchReader.from_batches(self._schema, self._batches())
        return batches.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with contextlib.closing(self._connect()) as connection:
            try:
                yield from reader(connection, self.sql)
            except (duckdb.Error, pa.ArrowInvalid, OSError) as error:
                raise self.explain(error) or error from error
        self._check_unchanged()

    def _connect(self) -> Any:
        return connect(paths=self.paths)

    def _check_unchanged(self) -> None:
        for file, stamp in zip(self._files, self._stamps, strict=True):
            if _stamp(file.readable) != stamp:
                raise DataError(
                    f"{file.original} changed while it was read",
                    hint="run again when nothing writes it",
                )

    # --- what is wrong with the files ---

    def explain(self, error: Exception) -> Exception | None:
        """Return the files' own fault behind an error of whoever read them, or None."""
        text = str(error)
        for file in self._files:
            if not file.readable.exists():
                return DataError(f"{file.original} was deleted while it was read")
        if "CSV Error on Line" in text:
            return DataError(
                self._in_words(text), hint="correct the file, or tell how it is written"
            )
        if not any(
            mark in text for mark in ("does not fit its type", "Could not convert", "Conver")
        ):
            return None
        return self._first_misfit()

    def _in_words(self, text: str) -> str:
        """Shorten DuckDB's report of a broken line to its facts."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        facts = [line for line in lines[:4] if not line.startswith(("Possible", "* "))]
        shown = " · ".join(facts).replace("Invalid Input Error: ", "")
        names = ", ".join(str(file.original) for file in self._files)
        for file in self._files:
            shown = shown.replace(str(file.readable), str(file.original))
        return f"{names}: {shown[: 4 * _SHOWN]}"

    def _first_misfit(self) -> DataError | None:
        """Find the first cell that does not fit its column's type."""
        cells = ", ".join(f"{c.misfit}, {identifier(c.name)}" for c in self._columns)
        wrong = " OR ".join(column.misfit for column in self._columns)
        file, number = self._free("filename"), self._free("number")
        source = self._read_csv(f"filename = {literal(file)}")
        numbered = f"SELECT *, row_number() OVER () - 1 AS {identifier(number)} FROM {source}"
        query = (
            f"SELECT {identifier(file)}, {identifier(number)}, {cells} "
            f"FROM ({numbered}) WHERE {wrong} ORDER BY {identifier(number)} LIMIT 1"
        )
        with contextlib.closing(self._connect()) as connection:
            try:
                row = connection.execute(query).fetchone()
            except duckdb.Error:
                return None
        return None if row is None else self._misfit(row)

    def _free(self, name: str) -> str:
        """Return a column name that the files do not use."""
        taken = {column.name.casefold() for column in self._columns}
        while name.casefold() in taken:
            name += "_"
        return name

    def _misfit(self, row: Sequence[Any]) -> DataError:
        filename, number, *cells = row
        original = next((f.original for f in self._files if str(f.readable) == filename), filename)
        for index, column in enumerate(self._columns):
            if cells[2 * index]:
                value = str(cells[2 * index + 1])
                shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
                kind = f"the inferred type {column.type}" if column.inferred else column.type
                return DataError(
                    f"{original}, row {number + 1}, column {column.name!r}: "
                    f"{shown!r} does not fit {kind}",
                    hint=f"`columns: {{{column.name}: string}}` takes every value",
                )
        return DataError(f"{original}, row {number + 1} does not fit its types")


def read_csv(files: Sequence[SourceFile], dialect: _Dialect, columns: str, *more: str) -> str:
    """Return a call of DuckDB's `read_csv` that guesses nothing."""
    paths = ", ".join(literal(str(file.readable)) for file in files)
    nulls = ", ".join(literal(text) for text in dialect.null_texts)
    quote = literal(dialect.quote)
    compressions = {file.compression for file in files}
    arguments = [
        f"[{paths}]",
        "auto_detect = false",
        f"header = {str(dialect.header).lower()}",
        f"delim = {literal(dialect.delimiter)}",
        f"quote = {quote}",
        f"escape = {quote}",
        f"columns = {{{columns}}}",
        f"nullstr = [{nulls}]",
        "allow_quoted_nulls = false",
        "strict_mode = true",
        f"compression = {literal(compressions.pop() if len(compressions) == 1 else 'auto_detect')}",
        *more,
    ]
    return f"read_csv({', '.join(arguments)})"


def open_scan(config: CsvExtractorConfig, base_dir: Path, spill_dir: Path) -> CsvScan:
    """Find the files, settle every column's type and return the scan.

    Raises `ConfigError` for files or columns that are not there, `DataError` for broken files.
    """
    files = readable_files(config, base_dir, spill_dir)
    declared = config.declared
    names = read_header(files, config) if config.header else list(declared)
    missing = [name for name in declared if name not in names]
    if missing:
        raise DataError(
            f"{files[0].original} has no column {', '.join(map(repr, missing))}",
            hint=f"its columns are {', '.join(names)}",
        )
    dialect = _Dialect(config.delimiter, config.quote, config.header, config.null_texts)
    inferred = _inferred(files, dialect, names, [n for n in names if n not in declared], config)
    columns = [
        TypedColumn(name, declared.get(name) or inferred[name], inferred=name not in declared)
        for name in names
    ]
    return CsvScan(files, columns, dialect)


def _inferred(
    files: Sequence[SourceFile],
    dialect: _Dialect,
    names: Sequence[str],
    open_names: Sequence[str],
    config: CsvExtractorConfig,
) -> dict[str, str]:
    if not config.infer:
        return dict.fromkeys(open_names, "string")
    texts = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    head = f"SELECT * FROM {read_csv(files[:1], dialect, texts)}"
    with contextlib.closing(connect(paths=[str(files[0].readable)])) as connection:
        try:
            return infer_types(connection, head, open_names)
        except duckdb.Error as error:
            text_columns = [TypedColumn(name, "string") for name in names]
            raise CsvScan(files, text_columns, dialect).explain(error) or error from error


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)

"""CSV files of one dialect as a table of texts: DuckDB's `read_csv` that guesses nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.errors import DataError
from osiris.core.scan_sql import literal, path_literal
from osiris.drivers.csv.cuts import ROWS_A_BUFFER, buffer_size
from osiris.drivers.csv.file_end import cut_fault
from osiris.drivers.csv.files import CsvFile
from osiris.drivers.csv.long_cells import EvenPieces, fault_if_even, long_cell_fault
from osiris.drivers.csv.long_rows import LineLengths, long_row_fault

HEAD_ROWS = 10_000
"""How many rows of the first file decide about types that are not declared."""

_SMALL = 32_000_000
"""Bytes of a file whose every row may be as long as the file."""


@dataclass(frozen=True)
class CsvSource:
    """The files, how they are written, and how many columns they have.

    `width` columns of text are called c0, c1, …
    """

    files: tuple[CsvFile, ...]
    config: CsvExtractorConfig
    width: int

    def read_csv(self, *, files: Sequence[CsvFile] | None = None, careful: bool = False) -> str:
        """Return the table function that reads every cell as text.

        DuckDB's parallel reader guesses where rows begin. `cuts` keeps it from being wrong in
        silence, but it calls sound files broken when long quoted cells hold what looks like rows.
        `careful` reads with one thread and without guessing.
        """
        config = self.config
        chosen = self.files if files is None else files
        quote = literal(config.quote)
        arguments = [
            f"[{', '.join(path_literal(str(file.readable)) for file in chosen)}]",
            "auto_detect = false",
            f"header = {str(config.header or chosen[0].headed).lower()}",
            f"delim = {literal(config.delimiter)}",
            f"quote = {quote}",
            f"escape = {quote}",
            "columns = {" + ", ".join(f"'c{i}': 'VARCHAR'" for i in range(self.width)) + "}",
            f"nullstr = [{', '.join(map(literal, config.null_texts))}]",
            "allow_quoted_nulls = false",
            "strict_mode = true",
            f"compression = {literal(chosen[0].compression)}",
            f"max_line_size = {self._longest_row}",
            *self._how(careful=careful),
        ]
        return f"read_csv({', '.join(arguments)})"

    def _how(self, *, careful: bool) -> list[str]:
        size = self._buffer_size
        parallel = self.config.parallel and not careful and size is not None
        size = size or ROWS_A_BUFFER * self._longest_row
        return [f"buffer_size = {size}", f"parallel = {str(parallel).lower()}"]

    @cached_property
    def _buffer_size(self) -> int | None:
        return buffer_size(self.files, self.config, self._longest_row)

    @cached_property
    def _longest_row(self) -> int:
        limit = self.config.max_row_bytes
        largest = max(file.stamp[1] for file in self.files)
        if largest <= _SMALL and self.files[0].compression == "none":
            limit = max(limit, largest + 1)
        return limit

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that DuckDB reads."""
        return tuple(str(file.readable) for file in self.files)

    def changed(self) -> DataError | None:
        """Return what happened to the first file that is not what it was when it was found."""
        faults = (file.fault() for file in self.files)
        return next((fault for fault in faults if fault is not None), None)

    def cut(self, spill_dir: Path) -> DataError | None:
        """Return the fault of the first file that DuckDB may have read to its middle only."""
        faults = (self.cut_of(file, spill_dir) for file in self.files)
        return next((fault for fault in faults if fault is not None), None)

    def long_row_of(self, file: CsvFile, spill_dir: Path) -> DataError | None:
        """Return the fault of a file with a row that is longer than what is read at once."""
        limit = self._longest_row
        found = long_row_fault(file, limit)
        return found or long_cell_fault(file, self.config, limit, spill_dir)

    def cut_of(self, file: CsvFile, spill_dir: Path) -> DataError | None:
        """Return the fault of a file with too long a row, or that ends inside of a quoted cell."""
        if file.compression == "none":
            long = self.long_row_of(file, spill_dir)
            return long or cut_fault(file, self.config, spill_dir)
        return self._cut_of_compressed(file, spill_dir)

    def _cut_of_compressed(self, file: CsvFile, spill_dir: Path) -> DataError | None:
        limit = self._longest_row
        lines, pieces = LineLengths(limit), EvenPieces(self.config)

        def see(piece: bytes) -> None:
            lines.see(piece)
            pieces.see(piece)

        fault = cut_fault(file, self.config, spill_dir, see)
        long = lines.fault(file) or fault_if_even(pieces, file, self.config, limit, spill_dir)
        return long or fault

    @property
    def memory_limit(self) -> str:
        """Memory that reading needs at most."""
        return f"{256 + 16 * self.config.max_row_bytes // 1_000_000}MB"

"""The files of one CSV table: found, opened as text, their headers read and compared."""

import codecs
import csv
import glob
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa

from osiris.components.csv_dialect import compression_of
from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.errors import ConfigError, DataError

_BIG_CELL = 256 * 1024 * 1024
_CHUNK = 1 << 20


@dataclass(frozen=True)
class SourceFile:
    """One file as the pipeline names it, and where UTF-8 text of it can be read by DuckDB."""

    original: Path
    readable: Path
    compression: str


def find_files(config: CsvExtractorConfig, base_dir: Path) -> list[Path]:
    """Return the files that the path names, in the order of their names.

    Raises `ConfigError` when there are none.
    """
    pattern = str(base_dir / config.path)
    if not glob.has_magic(config.path) or Path(pattern).is_file():
        found = [Path(pattern)]
        if not found[0].exists():
            raise ConfigError(
                f"there is no file {pattern}",
                hint="check the step's `path`, relative to the project",
            )
    else:
        names = glob.glob(pattern, recursive=True, include_hidden=False)  # noqa: PTH207 - `**` and order of names
        found = sorted(path for path in map(Path, names) if path.is_file())
        if not found:
            raise ConfigError(
                f"no file matches {pattern}",
                hint="check the step's `path`, relative to the project",
            )
    for path in found:
        if not path.is_file():
            raise ConfigError(f"{path} is not a file", hint="name a file or a pattern of files")
    return found


def readable_files(config: CsvExtractorConfig, base_dir: Path, spill_dir: Path) -> list[SourceFile]:
    """Return the files as DuckDB reads them: themselves when in UTF-8, else a copy that is."""
    found = []
    for path in find_files(config, base_dir):
        compression = compression_of(path.name, config.compression)
        if codecs.lookup(config.encoding).name in {"utf-8", "utf-8-sig", "ascii"}:
            found.append(SourceFile(path, path, compression))
        else:
            copy = _transcoded(path, compression, config.encoding, spill_dir)
            found.append(SourceFile(path, copy, "none"))
    return found


@contextmanager
def opened(path: Path, compression: str) -> Iterator[IO[bytes]]:
    """Open a file for reading its uncompressed bytes."""
    codec = None if compression == "none" else compression
    try:
        with pa.input_stream(str(path), compression=codec) as stream:
            yield stream
    except PermissionError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read as {compression} data: {error}") from error


def _transcoded(path: Path, compression: str, encoding: str, spill_dir: Path) -> Path:
    """Write the file's text as UTF-8 into a temporary file."""
    spill_dir.mkdir(parents=True, exist_ok=True)
    decoder = codecs.getincrementaldecoder(encoding)()
    position = 0
    with (
        tempfile.NamedTemporaryFile(dir=spill_dir, suffix=".csv", delete=False) as copy,
        opened(path, compression) as source,
    ):
        while True:
            data = source.read(_CHUNK)
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeError as error:
                raise DataError(
                    f"{path} is not {encoding}: {error}, in the block at byte {position}",
                    hint="give the step the `encoding` the file has",
                ) from error
            position += len(data)
            copy.write(text.encode("utf-8", "surrogatepass"))
            if not data:
                return Path(copy.name)


def read_header(files: list[SourceFile], config: CsvExtractorConfig) -> list[str]:
    """Return the column names in the first line, which every file must have alike.

    Raises `DataError` for an empty file, doubled or missing names, and files that differ.
    """
    first = _first_row(files[0], config)
    names = [name.casefold() for name in first]
    doubled = sorted({name for name in first if names.count(name.casefold()) > 1})
    where = files[0].original
    if doubled:
        raise DataError(
            f"{where} has several columns named {', '.join(map(repr, doubled))}",
            hint="rename them in the file, or use `header: false` with `columns`",
        )
    if "" in first:
        raise DataError(f"{where}: column {first.index('') + 1} has no name in the header")
    for file in files[1:]:
        other = _first_row(file, config)
        if other != first:
            raise DataError(
                f"{file.original} has other columns than {where}: {', '.join(other)}",
                hint=f"expected {', '.join(first)}",
            )
    return first


def _first_row(file: SourceFile, config: CsvExtractorConfig) -> list[str]:
    """Read a file's first record with Python's csv module."""
    csv.field_size_limit(_BIG_CELL)
    options = (
        {"quotechar": config.quote}
        if config.quote
        else {"quoting": csv.QUOTE_NONE, "quotechar": None}
    )
    with opened(file.readable, file.compression) as stream:
        lines = codecs.getreader("utf-8-sig")(stream)
        try:
            row = next(csv.reader(lines, delimiter=config.delimiter, strict=True, **options), None)
        except (csv.Error, UnicodeError) as error:
            raise DataError(f"{file.original}: the first line cannot be read: {error}") from error
    if not row:
        raise DataError(
            f"{file.original} is empty; it should begin with a line of column names",
            hint="use `header: false` with `columns` for a file without one",
        )
    return row

"""The files of one CSV table: found, opened as text, copied as UTF-8 where they are not."""

import codecs
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from osiris.components.csv_dialect import compression_of
from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.atomic_file import write_error
from osiris.core.errors import ConfigError, DataError
from osiris.core.source_files import FilePlace, SourceFile, Stamp, changed, source_files, stamp

CHUNK = 1 << 20
"""Bytes read at once."""


@dataclass(frozen=True)
class CsvFile:
    """One file as the pipeline names it, and where its text lies in UTF-8.

    Attributes:
        original: what messages call the file.
        text: the whole text in UTF-8: the file itself or a copy.
        text_compression: how `text` is compressed.
        readable: what DuckDB reads: `text`, or a copy that it does not misunderstand.
        compression: how `readable` is compressed.
        stamp: what `readable` was when it was found.
        headed: whether `readable` begins with a header that `text` has not.

    """

    original: str
    text: Path
    text_compression: str
    readable: Path
    compression: str
    stamp: Stamp
    headed: bool = False

    @classmethod
    def found(cls, original: str, text: Path, compression: str) -> "CsvFile":
        """Return a file whose text DuckDB reads as it is."""
        return cls(original, text, compression, text, compression, stamp(text))

    def copied(self, copy: Path, *, headed: bool) -> "CsvFile":
        """Return the file with a copy of its text for DuckDB."""
        return replace(self, readable=copy, compression="none", stamp=stamp(copy), headed=headed)

    def fault(self) -> DataError | None:
        """Return what happened to the file since it was found, if anything did."""
        return changed(self.original, self.readable, self.stamp)


def readable_files(config: CsvExtractorConfig, place: FilePlace) -> list[CsvFile]:
    """Return the files as DuckDB reads them: themselves when in UTF-8, else a copy that is."""
    plain = codecs.lookup(config.encoding).name in {"utf-8", "utf-8-sig"}
    found = []
    for file in source_files(config.path, config.connection, place, suffix=".csv"):
        compression = compression_of(file.path.name, config.compression)
        if plain:
            found.append(CsvFile.found(file.name, file.path, compression))
        else:
            copy = _transcoded(file, compression, config.encoding, place)
            found.append(CsvFile.found(file.name, copy, "none"))
    if len({file.compression for file in found}) > 1:
        raise ConfigError(
            f"{config.path} matches files of different compressions",
            hint="read them in one step for each compression",
        )
    return found


@contextmanager
def opened(path: Path, compression: str, name: str) -> Iterator[Any]:
    """Open a file for reading its uncompressed bytes; raise `DataError` for what cannot be.

    `name` is what messages call it.
    """
    codec = None if compression == "none" else compression
    try:
        with pa.input_stream(str(path), compression=codec) as stream:
            yield stream
    except OSError as error:
        how = "read" if codec is None else f"read as {compression}"
        why = str(error).replace(str(path), name)
        raise DataError(
            f"{name} cannot be {how}: {why}", hint="the file may be cut short or damaged"
        ) from error


def text_pieces(file: CsvFile) -> Iterator[bytes]:
    """Yield the text of what DuckDB reads; raise `DataError` where it is damaged."""
    with opened(file.readable, file.compression, file.original) as source:
        while data := source.read(CHUNK):
            yield data


@contextmanager
def uncompressed(file: CsvFile, spill_dir: Path) -> Iterator[Path]:
    """Give the path of what DuckDB reads, or of its text while the block lasts."""
    if file.compression == "none":
        yield file.readable
        return
    with temporary_copy(spill_dir) as copy:
        for piece in text_pieces(file):
            copy.write(piece)
    try:
        yield copy.path
    finally:
        copy.path.unlink()


@contextmanager
def opened_text(file: CsvFile) -> Iterator[IO[str]]:
    """Open a file as text whose line ends are kept; bytes that are not UTF-8 are surrogates."""
    with opened(file.text, file.text_compression, file.original) as stream:
        yield io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _transcoded(file: SourceFile, compression: str, encoding: str, place: FilePlace) -> Path:
    """Write the file's text as UTF-8 into a temporary file."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with (
        temporary_copy(place.spill_dir) as copy,
        opened(file.path, compression, file.name) as source,
    ):
        while True:
            place.cancelled.raise_if_set()
            data = source.read(CHUNK)
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeError as error:
                raise _undecodable(file.name, encoding, line, error) from error
            line += text.count("\n")
            copy.write(text.encode("utf-8", "surrogatepass"))
            if not data:
                return copy.path


class _Copy:
    """A file being written below the spill directory."""

    def __init__(self, file: Any) -> None:
        self.path = Path(file.name)
        self._file = file

    def write(self, data: bytes) -> None:
        """Write all of the data; raise `DiskFullError` or `SystemStepError`."""
        try:
            self._file.write(data)
        except OSError as error:
            raise write_error(self.path, error) from error


@contextmanager
def temporary_copy(spill_dir: Path) -> Iterator[_Copy]:
    """Make a file that lives as long as the spill directory; its text is complete on leaving."""
    try:
        spill_dir.mkdir(parents=True, exist_ok=True)
        file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed by the `with` below
            dir=spill_dir, suffix=".csv", delete=False, buffering=0
        )
    except OSError as error:
        raise write_error(spill_dir, error) from error
    with file:
        yield _Copy(file)


def _undecodable(name: str, encoding: str, line: int, error: UnicodeError) -> DataError:
    if isinstance(error, UnicodeDecodeError):
        before = error.object[: error.start].decode(encoding, "replace")
        line += before.count("\n")
        what = f"byte 0x{error.object[error.start]:02x} is not {encoding} ({error.reason})"
    else:
        what = f"this is not {encoding}: {error}"
    return DataError(f"{name}:{line}: {what}", hint="give the step the `encoding` the file has")

"""Reading CSV files as one table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.components.s3_connection import S3Connection
from osiris.core.cancel import CancelToken
from osiris.core.discovery import Found, Wanted
from osiris.core.driver import DriverContext
from osiris.core.errors import DataError
from osiris.core.source_files import FilePlace
from osiris.core.stream import TableStream
from osiris.drivers.csv import discovery
from osiris.drivers.csv.casts import TypedColumn
from osiris.drivers.csv.dialect_guess import guess_dialect
from osiris.drivers.csv.files import CsvFile, readable_files
from osiris.drivers.csv.inference import infer_types
from osiris.drivers.csv.line_ends import understandable
from osiris.drivers.csv.records import header_of
from osiris.drivers.csv.scan import CsvScan
from osiris.drivers.csv.source import CsvSource


class FilesystemCsvExtractorDriver:
    """Offers the files as a scan: whoever reads the table reads them where they lie."""

    def run(
        self,
        *,
        step_id: str,
        config: CsvExtractorConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Return `{"df": scan}`.

        Raises `ConfigError` for files that are not there or cannot be opened, `DataError` for
        files that are not what they are said to be.
        """
        del step_id, inputs
        return {"df": _scan(config, ctx)}

    def check_connection(self, connection: S3Connection, base_dir: Path) -> None:
        """Look whether the bucket is there (`osiris.core.driver.ConnectionChecker`)."""
        from osiris.core.s3.transfer import store_of  # noqa: PLC0415 - TLS takes 20 ms to import

        store_of(connection, base_dir, CancelToken()).check()

    def takes(self, path: str) -> bool:
        """Tell by the name whether a file is one of these (`core.discovery.FileDiscoverer`)."""
        return discovery.takes(path)

    def discover_files(self, path: str, wanted: Wanted) -> Found:
        """Say what is in the files, which are taken to begin with a line of column names."""
        place = {"path": path, "connection": wanted.connection}
        plain = CsvExtractorConfig.model_validate(place)
        first = readable_files(plain, wanted)[0]
        dialect = guess_dialect(first)
        config = CsvExtractorConfig.model_validate({**place, **dialect})
        return discovery.described(path, dialect, _scan(config, wanted), wanted)


def _scan(config: CsvExtractorConfig, place: FilePlace) -> CsvScan:
    place.cancelled.raise_if_set()
    files = tuple(readable_files(config, place))
    names = _names(files, config)
    files = understandable(files, config, place.spill_dir)
    source = CsvSource(files, config, len(names))
    types = _types(source, names, place)
    columns = [
        TypedColumn(name, at, kind, inferred=name not in config.declared)
        for at, (name, kind) in enumerate(zip(names, types, strict=True))
    ]
    return CsvScan(source, columns, place.spill_dir, place.cancelled)


def _names(files: tuple[CsvFile, ...], config: CsvExtractorConfig) -> list[str]:
    """Return the names of the columns, which are the same in every file."""
    if not config.header:
        return list(config.declared)
    first, *others = files
    names = header_of(first, config)
    for file in others:
        if (found := header_of(file, config)) != names:
            raise DataError(
                f"{file.original}:1: other columns than {first.original}: {', '.join(found)}",
                hint=f"expected {', '.join(names)}",
            )
    missing = [name for name in config.declared if name not in names]
    if missing:
        raise DataError(
            f"{first.original}:1: there is no column {', '.join(map(repr, missing))}",
            hint=f"the columns are {', '.join(names)}",
        )
    return names


def _types(source: CsvSource, names: Sequence[str], place: FilePlace) -> list[str]:
    """Return a type for every column: declared, inferred, or string."""
    declared = source.config.declared
    guessed = ["string"] * len(names)
    if source.config.infer and any(name not in declared for name in names):
        head = CsvSource(source.files[:1], source.config, source.width)
        guessed = infer_types(head, place.spill_dir, place.cancelled)
    return [declared.get(name, kind) for name, kind in zip(names, guessed, strict=True)]

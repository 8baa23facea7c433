"""Reading Parquet files as one table."""

from collections.abc import Mapping
from typing import Any

from osiris.components.filesystem_parquet_extractor import ParquetExtractorConfig
from osiris.core.discovery import Found, Wanted
from osiris.core.driver import DriverContext
from osiris.core.source_files import FilePlace, source_files
from osiris.core.stream import TableStream
from osiris.drivers.parquet import discovery
from osiris.drivers.parquet.scan import ParquetScan
from osiris.drivers.parquet.source import ParquetSource


class FilesystemParquetExtractorDriver:
    """Offers the files as a scan where DuckDB reads their types alike, else as a stream."""

    def run(
        self,
        *,
        step_id: str,
        config: ParquetExtractorConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Return `{"df": scan or reader}`.

        Raises `ConfigError` for files and columns that are not there, `DataError` for files that
        are no Parquet, are damaged or encrypted, or differ from each other.
        """
        del step_id, inputs
        ctx.cancelled.raise_if_set()
        source = _source(config, ctx)
        scan = ParquetScan(source)
        if ParquetScan.serves(source):
            return {"df": scan}
        return {"df": scan.head()}

    def takes(self, path: str) -> bool:
        """Tell by the name whether a file is one of these (`core.discovery.FileDiscoverer`)."""
        return discovery.takes(path)

    def discover_files(self, path: str, wanted: Wanted) -> Found:
        """Say what is in the files."""
        place = {"path": path, "connection": wanted.connection}
        config = ParquetExtractorConfig.model_validate(place)
        source = _source(config, wanted)
        return discovery.described(path, source, wanted)


def _source(config: ParquetExtractorConfig, place: FilePlace) -> ParquetSource:
    files = source_files(config.path, config.connection, place, suffix=".parquet")
    return ParquetSource.of(files, config.columns, place.cancelled)

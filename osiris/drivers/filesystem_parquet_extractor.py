"""Reading Parquet files as one table."""

from collections.abc import Mapping
from typing import Any

from osiris.components.filesystem_parquet_extractor import ParquetExtractorConfig
from osiris.core.driver import DriverContext
from osiris.core.source_files import SourceFile, find_files
from osiris.core.stream import TableStream
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
        paths = find_files(config.path, ctx.base_dir, suffix=".parquet")
        files = [SourceFile.here(path) for path in paths]
        source = ParquetSource.of(files, config.columns, ctx.cancelled)
        scan = ParquetScan(source)
        if ParquetScan.serves(source):
            return {"df": scan}
        return {"df": scan.head()}

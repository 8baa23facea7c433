"""Reading CSV files as one table."""

from collections.abc import Mapping
from typing import Any

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.driver import DriverContext
from osiris.core.stream import TableStream
from osiris.drivers.csv.scan import open_scan


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

        Raises `ConfigError` when no file is there and `DataError` for broken ones.
        """
        del step_id, inputs
        ctx.cancelled.raise_if_set()
        return {"df": open_scan(config, ctx.base_dir, ctx.spill_dir)}

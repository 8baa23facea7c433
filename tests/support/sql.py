"""Running SQL over tables, streams and CSV files with the DuckDB processor's driver."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.components.duckdb_processor import COMPONENT
from osiris.components.filesystem_csv_extractor import COMPONENT as CSV_EXTRACTOR
from osiris.core.stream import Scan, TableStream
from tests.support.driver_run import DriverRun, scan_input

NUMBERS = pa.table({"id": pa.array(range(5000), pa.int64()), "k": [i % 7 for i in range(5000)]})


class Sql:
    """Runs queries over inputs in one directory."""

    def __init__(self, root: Path) -> None:
        self.run = DriverRun(root)

    def __call__(self, query: str, inputs: Mapping[str, TableStream], **options: Any) -> pa.Table:
        outputs = self.run.run(COMPONENT, inputs, query=query, **options)
        table: pa.Table = outputs["df"].read_all()
        return table

    def rows(self, query: str, inputs: Mapping[str, TableStream]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self(query, inputs).to_pylist()
        return rows

    def csv(self, name: str, text: str, **options: Any) -> TableStream:
        (self.run.root / f"{name}.csv").write_text(text, newline="")
        return self.scan(name, **options)

    def scan(self, name: str, path: str | None = None, **options: Any) -> TableStream:
        options["path"] = path or f"{name}.csv"
        found: Scan = self.run.run(CSV_EXTRACTOR, {}, **options)["df"]
        return scan_input(found, source=name)

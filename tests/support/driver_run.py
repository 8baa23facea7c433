"""Running a driver without an engine, for tests of drivers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from osiris.components.component import Component
from osiris.core.cancel import CancelToken
from osiris.core.driver import DriverContext
from osiris.core.driver_registry import DriverRegistry
from osiris.core.events import StepEvent
from osiris.core.metrics import MetricName
from osiris.core.stream import Scan, TableStream


@dataclass
class DriverRun:
    """One step's surroundings below a directory: what it may touch and what it told."""

    root: Path
    cancelled: CancelToken = field(default_factory=CancelToken)
    events: list[StepEvent] = field(default_factory=list)
    metrics: dict[MetricName, float] = field(default_factory=dict)

    @property
    def output_dir(self) -> Path:
        """Where the step's artifacts are."""
        return self.root / "artifacts" / "step"

    @property
    def context(self) -> DriverContext:
        """What the driver may touch."""
        self.output_dir.mkdir(parents=True, exist_ok=True)
        return DriverContext(
            output_dir=self.output_dir,
            base_dir=self.root,
            spill_dir=self.root / "spill",
            log_event=self.events.append,
            log_metric=self.metrics.__setitem__,
            cancelled=self.cancelled,
        )

    def run(
        self, component: Component, inputs: Mapping[str, TableStream], **options: Any
    ) -> Mapping[str, Any]:
        """Run the component's driver once and return what it returned."""
        config = component.config.model_validate(options)
        driver = DriverRegistry().driver(component.name)
        return driver.run(step_id="step", config=config, inputs=inputs, ctx=self.context)


def stream_of(table: pa.Table, source: str = "make", rows: int = 1000) -> TableStream:
    """Return a table as a step's input, in batches of at most `rows`."""
    return TableStream(table.schema, table.to_batches(max_chunksize=rows), source=source)


def scan_input(scan: Scan, source: str = "read") -> TableStream:
    """Return a scan as a step's input, as an outlet offers it."""
    batches = (batch for batch in pa.RecordBatchReader.from_stream(scan))
    return TableStream(scan.schema, batches, source=source, scan=scan)


def read_scan(scan: Scan) -> pa.Table:
    """Read a whole scan as one that cannot run SQL does; raise what the engine would."""
    try:
        return pa.RecordBatchReader.from_stream(scan).read_all()
    except Exception as error:
        raise scan.explain(error) or error from error

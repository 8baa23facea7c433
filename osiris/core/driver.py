"""The contract between the engine and what runs a component."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from osiris.components.component import ComponentConfig
from osiris.core.atomic_file import AtomicFile
from osiris.core.cancel import CancelToken
from osiris.core.events import ArtifactCreated, StepEvent
from osiris.core.metrics import MetricName

if TYPE_CHECKING:  # whoever only sends steps to a sandbox needs no Arrow: a quarter of a second
    from osiris.core.stream import TableStream


@dataclass(frozen=True)
class DriverContext:
    """All a driver may touch; text goes to the standard library's `logging`.

    Attributes:
        output_dir: directory of the step's artifacts; exists. A file is written as
            `core.atomic_file.AtomicFile(output_dir / name)` and told with `log_file`.
        base_dir: directory that relative input paths refer to.
        spill_dir: directory for temporary files; removed by the engine.
        log_event: records an event; its `step_id` must be the step's own.
        log_metric: records a metric; the engine adds the tag `step`.
        cancelled: switched when the step should stop; check it between batches and register
            `on_cancel` callbacks around calls that block.

    """

    output_dir: Path
    base_dir: Path
    spill_dir: Path
    log_event: Callable[[StepEvent], None]
    log_metric: Callable[[MetricName, float], None]
    cancelled: CancelToken

    def log_file(self, step_id: str, file: AtomicFile, *, rows: int) -> None:
        """Record that a file of the step's artifacts is complete, and how large it is."""
        self.log_event(
            ArtifactCreated(
                step_id=step_id,
                path=f"artifacts/{step_id}/{file.path.name}",
                bytes=file.bytes,
                sha256=file.sha256,
                rows=rows,
            )
        )
        self.log_metric(MetricName.BYTES_WRITTEN, file.bytes)


class Driver(Protocol):
    """Runs one step. A new instance is made for every try."""

    def run(
        self,
        *,
        step_id: str,
        config: ComponentConfig,
        inputs: "Mapping[str, TableStream]",
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Run the step.

        Args:
            step_id: id of the step.
            config: the component's own model, connection filled in.
            inputs: the step's input tables by input name.
            ctx: what the driver may touch.

        Returns:
            For read and transform steps `{"df": table}`: anything that speaks the Arrow C stream
            interface (a generator-backed `pa.RecordBatchReader` streams), a `Scan`, or a pandas
            DataFrame. For write steps `{"rows_written": int}`.

        Raises:
            StepError: with the subclass that says whose fault it is.

        """


@runtime_checkable
class ConnectionChecker(Protocol):
    """A driver that can also try its connection without a step: `osiris connections doctor`.

    Optional: the doctor finds out by the method whether a driver can.
    """

    def check_connection(self, connection: Any, base_dir: Path) -> None:
        """Connect, log in, look whether the connection's database is there, and disconnect.

        Args:
            connection: the component's own connection model, filled in.
            base_dir: directory that relative paths in it refer to.

        Raises:
            StepError: with the subclass that says what is wrong, such as `AuthenticationError`,
                `TlsError`, `UnknownDatabaseError`.

        """

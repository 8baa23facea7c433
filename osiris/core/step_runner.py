"""Running one step to its end: its driver, its inputs, its retries, its row counts."""

import logging
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from threading import Timer
from typing import Any

import pyarrow as pa

from osiris.components.component import ComponentConfig, Mode
from osiris.core import events as ev
from osiris.core.atomic_file import write_error
from osiris.core.cancel import CancelToken
from osiris.core.driver import DriverContext
from osiris.core.errors import (
    DataError,
    ErrorKind,
    OsirisError,
    RowsLostError,
    StepTimeoutError,
)
from osiris.core.failures import as_osiris_error
from osiris.core.keeper import Keeper
from osiris.core.metrics import Metric, MetricName
from osiris.core.outlet import Outlet
from osiris.core.progress import ProgressMeter
from osiris.core.run_options import StepOutputs
from osiris.core.step_config import bind
from osiris.core.step_place import StepPlace
from osiris.core.step_task import KEEPER, StepTask
from osiris.core.stream import Scan, TableStream, as_reader

_LARGEST_BATCH = 128 * 1024
"""Rows; larger batches are cut so that edges can spill and steps can stop in between."""


class UpstreamFailedError(Exception):
    """A step cannot go on because the step that makes its input failed."""

    def __init__(self, producer: str) -> None:
        super().__init__(producer)
        self.producer = producer


class StepRunner:
    """Runs one task in the calling thread.

    `linger` is called when the step has nothing more to do itself but wait for those who read its
    table from the source, `stopping` when the step was told to stop and may or may not do so.
    """

    def __init__(
        self,
        task: StepTask,
        place: StepPlace,
        *,
        linger: Callable[[], None],
        stopping: Callable[[CancelToken], None],
    ) -> None:
        self._task = task
        self._place = place
        self._linger = linger
        self._stopping = stopping
        self._step = task.step

    def run(self) -> ev.StepComplete:
        """Run the step; return the event that says how it completed.

        Raises `UpstreamFailedError`, the token's reason, or the error that failed the step.
        """
        config = self._open()
        while True:
            token = CancelToken(self._task.token)
            forget = token.on_cancel(partial(self._stopping, token))
            timer = self._timer(token)
            streams: dict[str, TableStream] = {}
            try:
                return self._attempt(config, token, streams)
            except BaseException as error:  # noqa: BLE001 - a driver may raise anything
                self._wait_for_retry(self._explain(error, token, streams))
            finally:
                timer.cancel()
                forget()

    def _timer(self, token: CancelToken) -> Timer:
        seconds = self._step.timeout or 0.0
        reason = StepTimeoutError(
            f"step {self._step.id!r} took longer than its timeout of {seconds:g} s",
            hint="raise the step's `timeout`, or find what makes it slow",
        )
        timer = Timer(seconds, token.cancel, [reason])
        timer.daemon = True
        if self._step.timeout is not None:
            timer.start()
        return timer

    def _open(self) -> ComponentConfig:
        """Emit the step's first events and return its bound configuration."""
        step, config = self._step, self._task.config
        emit = self._task.emit
        emit(ev.StepStart(step_id=step.id, component=step.component, mode=str(step.mode)))
        emit(
            ev.CfgOpened(
                step_id=step.id,
                path=step.cfg_path,
                sha256=step.cfg_sha256,
                keys=sorted(config.config),
            )
        )
        component = self._place.registry.component(step.component)
        ref = config.connection.ref if config.connection else None
        if ref is not None:
            emit(ev.ConnectionResolveStart(step_id=step.id, connection=ref))
        bound = bind(config, component, self._place.env)
        if ref is not None:
            variables = sorted(config.variables())
            emit(ev.ConnectionResolveComplete(step_id=step.id, connection=ref, variables=variables))
        emit(ev.InputsResolved(step_id=step.id, inputs=dict(step.inputs)))
        return bound

    def _attempt(
        self, config: ComponentConfig, token: CancelToken, streams: dict[str, TableStream]
    ) -> ev.StepComplete:
        meter = ProgressMeter(self._step.id, self._task.emit)
        for name, (outlet, reader) in self._task.edges.items():
            streams[name] = outlet.stream(reader, token)
            if self._step.mode is Mode.WRITE:
                meter.watch(streams[name])
        driver = self._place.registry.driver(self._step.component)
        outputs = driver.run(
            step_id=self._step.id, config=config, inputs=streams, ctx=self._context(token)
        )
        if self._step.mode is Mode.WRITE:
            written: int | None = self._written(outputs, streams)
            produced = None
        else:
            written = None
            produced = self._produce(outputs, token, meter)
        token.raise_if_set()
        return self._complete(streams, produced, written)

    def _context(self, token: CancelToken) -> DriverContext:
        output_dir = self._place.layout.artifact_dir(self._step.id)
        try:
            output_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(output_dir, error) from error
        return DriverContext(
            output_dir=output_dir,
            base_dir=self._place.base_dir,
            spill_dir=self._place.layout.spill,
            log_event=self._task.emit,
            log_metric=self._metric,
            cancelled=token,
        )

    # --- what a step hands on ---

    def _produce(self, outputs: Mapping[str, Any], token: CancelToken, meter: ProgressMeter) -> int:
        """Send a read or transform step's table to its readers; return its rows."""
        outlet = self._task.outlet
        if outlet is None or "df" not in outputs:
            raise DataError(f"step {self._step.id!r}: the driver returned no table under 'df'")
        table = outputs["df"]
        keeper = self._keeper(outlet, token)
        try:
            if isinstance(table, Scan):
                outlet.open_scan(table)
                keeper.start()
                self._linger()
                rows = outlet.wait_scanned(token)
            else:
                rows = self._pump(table, outlet, keeper, token, meter)
            keeper.finish()
        except BaseException:
            keeper.give_up()
            raise
        return rows

    def _pump(
        self,
        table: object,
        outlet: Outlet,
        keeper: Keeper,
        token: CancelToken,
        meter: ProgressMeter,
    ) -> int:
        """Move every batch of a table to the outlet; return the rows."""
        reader = as_reader(table, what=f"step {self._step.id!r}: the driver")
        try:
            _check_columns(self._step.id, reader.schema)
            outlet.open(reader.schema)
            if not self._task.step.retry:
                keeper.start()
            for batch in reader:
                for start in range(0, batch.num_rows, _LARGEST_BATCH):
                    token.raise_if_set()
                    piece = batch.slice(start, _LARGEST_BATCH)
                    outlet.put(piece)
                    meter.add(piece.num_rows, piece.nbytes)
        finally:
            with suppress(Exception):  # the reader's own error was raised above
                reader.close()
        token.raise_if_set()
        outlet.close()
        keeper.start()
        return outlet.rows

    def _keeper(self, outlet: Outlet, token: CancelToken) -> Keeper:
        reader = self._task.reader(KEEPER)
        head = self._place.outputs is StepOutputs.AUTO
        return Keeper(
            place=self._place,
            step_id=self._step.id,
            open_stream=lambda cancel: outlet.stream(reader, cancel, head=head),
            release=lambda: outlet.release(reader),
            blame=lambda error: outlet.blame(error, reader),
            emit=self._task.emit,
            cancel=token,
        )

    def _written(self, outputs: Mapping[str, Any], streams: dict[str, TableStream]) -> int:
        """Check a write step's count against the rows it was handed; return it."""
        for stream in streams.values():
            if not stream.complete:
                for _ in stream.rest():
                    pass
        handed = sum(stream.rows for stream in streams.values())
        written = outputs.get("rows_written")
        if written != handed:
            raise RowsLostError(
                f"step {self._step.id!r} was handed {handed} rows and wrote {written}",
                hint="the target is not complete; this is a bug in the driver",
            )
        return handed

    # --- how an attempt ended ---

    def _complete(
        self, streams: dict[str, TableStream], produced: int | None, written: int | None
    ) -> ev.StepComplete:
        rows_in = {name: stream.rows for name, stream in streams.items()}
        for name, rows in rows_in.items():
            source = streams[name].source
            self._metric(MetricName.ROWS_IN, rows, **{"from": source})
            outlet, reader = self._task.edges[name]
            spilled = outlet.spilled(reader)
            if spilled:
                self._metric(MetricName.BYTES_SPILLED, spilled, **{"from": source})
        if produced is not None:
            read = self._step.mode is Mode.READ
            self._metric(MetricName.ROWS_READ if read else MetricName.ROWS_OUT, produced)
        if self._task.outlet is not None and self._task.outlet.bytes:
            self._metric(MetricName.BYTES_OUT, self._task.outlet.bytes)
        if written is not None:
            self._metric(MetricName.ROWS_WRITTEN, written)
        return ev.StepComplete(
            step_id=self._step.id,
            rows_in=rows_in,
            rows_out=produced,
            rows_written=written,
            attempts=self._task.attempt,
        )

    def _metric(self, name: MetricName, value: float, **tags: str) -> None:
        self._task.emit(Metric(name=name, value=value, tags={"step": self._step.id, **tags}))

    def _explain(
        self, error: BaseException, token: CancelToken, streams: dict[str, TableStream]
    ) -> Exception:
        """Return what really ended the attempt."""
        trace = "".join(traceback.format_exception(error))
        self._task.log(logging.DEBUG, f"attempt {self._task.attempt} ended", trace)
        if token.is_set() and token.reason is not None:
            return token.reason
        for name, stream in streams.items():
            outlet, reader = self._task.edges[name]
            if isinstance(stream.error, UpstreamFailedError):
                return stream.error
            if stream.error is not None and stream.scan is not None:
                outlet.blame(stream.error, reader)
                return UpstreamFailedError(outlet.step_id)
            error = stream.error or error  # the edge's own: what it spilled cannot be read again
        output_dir = self._place.layout.artifact_dir(self._step.id)
        return as_osiris_error(error, step_id=self._step.id, output_dir=output_dir)

    def _wait_for_retry(self, error: Exception) -> None:
        """Return when the step should be tried again; raise `error` when it should not."""
        attempt, retry = self._task.attempt, self._step.retry
        if not isinstance(error, OsirisError) or error.kind is not ErrorKind.TRANSIENT:
            raise error
        if retry is None or attempt >= retry.attempts:
            raise error
        delay = retry.delay * retry.backoff ** (attempt - 1)
        self._task.emit(
            ev.StepRetry(
                step_id=self._step.id,
                attempt=attempt,
                attempts=retry.attempts,
                delay_seconds=delay,
                error=error.to_dict(),
            )
        )
        self._task.attempt = attempt + 1
        if self._task.token.wait(delay):
            self._task.token.raise_if_set()


def _check_columns(step_id: str, schema: pa.Schema) -> None:
    """Refuse a table that its readers could not tell apart by column."""
    doubled = sorted({name for name in schema.names if schema.names.count(name) > 1})
    if doubled:
        raise DataError(
            f"step {step_id!r} produces several columns named {', '.join(doubled)}",
            hint="give each column a name of its own (SQL: `AS`)",
        )

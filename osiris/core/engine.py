"""The one program that runs steps: here, and in a sandbox, the same."""

import logging
import shutil
import threading
import time
import traceback
from contextlib import nullcontext
from pathlib import Path

from osiris.components.component import Mode
from osiris.core import events as ev
from osiris.core.cancel import CancelToken
from osiris.core.dependencies import check_dependencies
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import (
    FailFastError,
    InternalError,
    OsirisError,
    StepTimeoutError,
    SystemStepError,
)
from osiris.core.failures import as_osiris_error
from osiris.core.layout import RunLayout
from osiris.core.manifest import Manifest, Step
from osiris.core.memory import peak_memory_bytes
from osiris.core.metrics import Metric, MetricName
from osiris.core.outlet import Outlet, Reader, SpillPolicy
from osiris.core.printed import AroundThread
from osiris.core.records import Emit
from osiris.core.run_options import RunOptions
from osiris.core.schedule import Verdict, in_order, verdict
from osiris.core.step_config import StepConfig
from osiris.core.step_place import StepPlace
from osiris.core.step_runner import StepRunner, UpstreamFailedError
from osiris.core.step_task import KEEPER, Phase, StepTask

_HEARING_SECONDS = 0.5
"""How late a signal may be heard."""


class Engine:
    """Runs the steps of one manifest, overlapping, in threads of this process.

    `start`, then `submit` every step, then `finish`. A step's failure is an event, never an
    exception. All state is guarded by one lock; records are emitted by the threads in which things
    happen.

    Args:
        layout: the run's directory; artifacts are made below it.
        base_dir: directory that relative input paths refer to.
        emit: takes every record.
        env: values of the variables that the configs use.
        options: the caller's choices.
        cancel: switched when everything should stop.
        around_thread: makes a context for each thread in which a step runs.

    """

    def __init__(
        self,
        *,
        layout: RunLayout,
        base_dir: Path,
        emit: Emit,
        env: dict[str, str],
        options: RunOptions,
        cancel: CancelToken,
        around_thread: AroundThread = nullcontext,
    ) -> None:
        self._layout = layout
        self._emit = emit
        self._options = options
        self._cancel = cancel
        self._registry = DriverRegistry()
        self._place = StepPlace(
            layout, base_dir, env, self._registry, options.step_outputs, around_thread
        )
        self._changed = threading.Condition(threading.RLock())
        self._manifest: Manifest | None = None
        self._tasks: dict[str, StepTask] = {}
        self._failed_first: str | None = None
        self._written = 0

    def start(self, manifest: Manifest) -> None:
        """Get ready for a manifest's steps.

        Raises `MissingDependencyError` or `ComponentError` when a step could not run here.
        """
        self._manifest = manifest
        components = sorted({step.component for step in manifest.steps})
        check_dependencies(components, self._registry, self._emit)
        drivers = {name: self._registry.component(name).driver for name in components}
        self._emit(ev.DriversRegistered(drivers=drivers))
        slots = self._options.slots
        self._emit(ev.SessionInitialized(steps_total=len(manifest.steps), jobs=slots))
        self._cancel.on_cancel(self._schedule)

    def submit(self, step_id: str, config: StepConfig) -> None:
        """Hand in one step, after all it needs; it starts as soon as it can."""
        if self._manifest is None:
            msg = "submit before start"
            raise InternalError(msg)
        step = self._manifest.by_id[step_id]
        with self._changed:
            self._tasks[step_id] = self._task(step, config)
        self._schedule()

    def finish(self) -> None:
        """Wait until every submitted step has ended, then clean up."""
        with self._changed:
            while not all(task.phase.ended for task in self._tasks.values()):
                # Python does not hear a signal that comes just before its main thread begins to
                # wait until it wakes up: not for ever.
                self._changed.wait(_HEARING_SECONDS)
        for task in self._tasks.values():
            if task.outlet is not None:
                task.outlet.discard()
        shutil.rmtree(self._layout.spill, ignore_errors=True)
        self._emit(Metric(name=MetricName.PEAK_MEMORY_BYTES, value=peak_memory_bytes()))
        completed = sum(task.phase is Phase.COMPLETED for task in self._tasks.values())
        self._emit(ev.CleanupComplete(steps_completed=completed, total_rows=self._written))

    def _task(self, step: Step, config: StepConfig) -> StepTask:
        task = StepTask(
            step=step,
            config=config,
            token=CancelToken(self._cancel),
            outlet=None if step.mode is Mode.WRITE else self._outlet(step),
            edges={},
            emit_record=self._emit,
        )
        for name, producer in step.inputs.items():
            outlet = self._tasks[producer].outlet
            if outlet is None:
                msg = f"step {step.id!r} takes a table from {producer!r}, which makes none"
                raise InternalError(msg)
            task.edges[name] = (outlet, task.reader(name))
        return task

    def _outlet(self, step: Step) -> Outlet:
        if self._manifest is None:
            msg = "no manifest"
            raise InternalError(msg)
        readers = [
            Reader(consumer.id, name, replays=consumer.retry is not None)
            for consumer in self._manifest.consumers(step.id)
            for name, producer in consumer.inputs.items()
            if producer == step.id
        ]
        return Outlet(
            step.id,
            [*readers, Reader(step.id, KEEPER)],
            held=step.retry is not None,
            spill=SpillPolicy(self._options.exchange_budget, self._layout.spill),
            opened=self._schedule,
        )

    # --- deciding what happens next ---

    def _schedule(self) -> None:
        """Skip what can no longer run and start what can, as far as there are slots."""
        with self._changed:
            progressed = True
            while progressed:
                progressed = False
                for task in in_order(self._tasks):
                    if task.phase is Phase.WAITING and self._advance(task):
                        progressed = True
                        break
            self._changed.notify_all()

    def _advance(self, task: StepTask) -> bool:
        """Skip or start one waiting task; return whether anything changed."""
        decision = verdict(task, self._tasks, self._stop_reason(), self._failed_first)
        if decision.skip is not None:
            self._end(task, Phase.SKIPPED, decision.skip)
            return True
        if not decision.start or self._running() >= self._options.slots:
            return False
        task.phase = Phase.RUNNING
        task.started = time.monotonic()
        thread = threading.Thread(
            target=self._run, args=(task,), name=f"step {task.step.id}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the system gives no more threads
            self._fail(task, SystemStepError(f"step {task.step.id!r} cannot be started: {error}"))
        return True

    def _stop_reason(self) -> str | None:
        if self._cancel.is_set():
            return Verdict.CANCELLED
        return Verdict.FAIL_FAST if self._options.fail_fast and self._failed_first else None

    def _running(self) -> int:
        return sum(task.phase is Phase.RUNNING for task in self._tasks.values())

    # --- one step, in its own thread ---

    def _run(self, task: StepTask) -> None:
        runner = StepRunner(
            task,
            self._place,
            linger=lambda: self._linger(task),
            stopping=lambda token: self._watch_stop(task, token),
        )
        try:
            with self._place.around_thread():
                complete = runner.run()
        except BaseException as error:  # noqa: BLE001 - whatever ends a step must end it in the records
            self._fail(task, error)
        else:
            self._end(task, Phase.COMPLETED, complete)

    def _linger(self, task: StepTask) -> None:
        with self._changed:
            if task.phase is Phase.RUNNING:
                task.phase = Phase.LINGERING
        self._schedule()

    def _fail(self, task: StepTask, error: BaseException) -> None:
        """End a task that raised: skipped when something else stopped it, else failed."""
        skipped = self._skipped(task.step.id, error)
        if skipped is not None:
            self._end(task, Phase.SKIPPED, skipped)
        else:
            self._end(task, Phase.FAILED, self._failed(task, error))

    def _skipped(self, step_id: str, error: BaseException) -> ev.StepSkipped | None:
        """Return how a step was stopped by something else, or None when it failed by itself.

        Why the run stops comes first: whether a step hears of that or of its producer's end first
        is chance.
        """
        upstream = isinstance(error, UpstreamFailedError)
        stopped = upstream or isinstance(error, FailFastError)
        if self._cancel.is_set() and (upstream or error is self._cancel.reason):
            return ev.StepSkipped(step_id=step_id, reason=Verdict.CANCELLED)
        if stopped and self._options.fail_fast:
            because = self._failed_first
            return ev.StepSkipped(step_id=step_id, reason=Verdict.FAIL_FAST, because=because)
        if isinstance(error, UpstreamFailedError):
            because = error.producer
            return ev.StepSkipped(step_id=step_id, reason=Verdict.UPSTREAM_FAILED, because=because)
        return None

    def _failed(self, task: StepTask, error: BaseException) -> ev.StepFailed:
        step_id = task.step.id
        output_dir = self._layout.artifact_dir(step_id)
        told = as_osiris_error(error, step_id=step_id, output_dir=output_dir)
        trace = "".join(traceback.format_exception(error))
        task.log(logging.ERROR, f"failed: {told.message}", trace)
        return ev.StepFailed(step_id=step_id, error=told.to_dict(), attempts=task.attempt)

    def _end(self, task: StepTask, phase: Phase, event: ev.StepEvent) -> None:
        """End a task once: record it, tell its readers and inputs, go on with the others."""
        with self._changed:
            if task.claimed:
                return
            task.claimed = True
            started = task.phase is not Phase.WAITING
            if phase is Phase.FAILED and self._failed_first is None:
                self._failed_first = task.step.id
        try:
            if started:
                self._emit_duration(task)
            task.emit(event)
        finally:  # whatever is the matter with the records, nobody may wait for this step for ever
            self._tell_neighbours(task, phase)
            with self._changed:
                task.phase = phase
                if isinstance(event, ev.StepComplete):
                    self._written += event.rows_written or 0
        if phase is Phase.FAILED and self._options.fail_fast:
            self._stop_others(task)
        self._schedule()

    def _tell_neighbours(self, task: StepTask, phase: Phase) -> None:
        if task.outlet is not None and phase is not Phase.COMPLETED:
            task.outlet.fail(UpstreamFailedError(task.step.id))
        for outlet, reader in task.edges.values():
            outlet.release(reader)

    def _emit_duration(self, task: StepTask) -> None:
        task.emit(
            Metric(
                name=MetricName.STEP_DURATION_MS,
                value=task.elapsed_ms(),
                tags={"step": task.step.id},
            )
        )

    def _stop_others(self, failed: StepTask) -> None:
        reason = FailFastError(f"step {failed.step.id!r} failed and the run is to fail fast")
        with self._changed:
            others = [task for task in self._tasks.values() if not task.phase.ended]
        for task in others:
            task.token.cancel(reason)

    # --- steps that do not stop ---

    def _watch_stop(self, task: StepTask, token: CancelToken) -> None:
        """End the task without its driver when that does not stop in time."""
        timer = threading.Timer(self._options.grace_seconds, self._give_up, [task, token])
        timer.daemon = True
        timer.start()

    def _give_up(self, task: StepTask, token: CancelToken) -> None:
        with self._changed:
            if task.claimed:
                return
        task.log(
            logging.WARNING,
            f"did not stop within {self._options.grace_seconds:g} s; going on without it",
        )
        reason: OsirisError = token.reason or StepTimeoutError("stopped")
        self._fail(task, reason)
        task.silence()

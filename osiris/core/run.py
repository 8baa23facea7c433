"""One run from its first record to its last, whatever happens in between."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from osiris.core import events as ev
from osiris.core.cancel import CancelToken
from osiris.core.compiled import CompiledPipeline
from osiris.core.errors import CancelledError, InternalError, OsirisError
from osiris.core.execution_adapter import ExecutionAdapter, RunRequest
from osiris.core.layout import RunLayout
from osiris.core.metrics import Metric, MetricName
from osiris.core.records import Emit
from osiris.core.run_options import RunOptions
from osiris.core.session import SessionContext
from osiris.core.status import RunStatus

Begun = Callable[[RunLayout, str], None]
"""Told where the run's records go and which adapter runs it, before its first record."""


@dataclass(frozen=True)
class RunResult:
    """What a finished run left behind."""

    layout: RunLayout
    adapter: str
    status: RunStatus
    error: OsirisError | None

    @property
    def ok(self) -> bool:
        """Whether every step completed and every output was published."""
        return self.status.ok

    @property
    def exit_code(self) -> int:
        """The exit code the run stands for."""
        return (
            self.status.exit_code if self.status.exit_code is not None else InternalError.exit_code
        )


def run_compiled(
    compiled: CompiledPipeline,
    adapter: ExecutionAdapter,
    *,
    project: Path,
    env: Mapping[str, str],
    options: RunOptions | None = None,
    observer: Emit | None = None,
    cancel: CancelToken | None = None,
    begun: Begun | None = None,
) -> RunResult:
    """Run a compiled pipeline and leave its evidence in `<project>/logs/run_…`.

    Never raises for what happens in the run: a failed step, a lost sandbox and a bug alike end in
    the result and in status.json. `observer` sees every record, masked, and progress; `begun` is
    told beforehand where they go.

    Raises:
        UnwritableOutputError: when the run's directory cannot be made; nothing was started.

    """
    cancel = cancel or CancelToken()
    session = SessionContext.create(
        project, compiled.manifest, adapter=adapter.name, cancel=cancel, observer=observer
    )
    request = RunRequest(
        compiled=compiled,
        project=project,
        env=env,
        options=options or RunOptions(),
        session=session,
        cancel=cancel,
    )
    started = time.monotonic()
    error = _execute(request, adapter, begun)
    return _finish(request, adapter, error, time.monotonic() - started)


def _execute(
    request: RunRequest, adapter: ExecutionAdapter, begun: Begun | None
) -> OsirisError | None:
    """Run the adapter; return the error that stopped the run as a whole, if any did."""
    session, manifest = request.session, request.compiled.manifest
    try:
        if begun is not None:
            begun(session.layout, adapter.name)
        session.log_event(
            ev.RunStart(
                pipeline=manifest.name,
                fingerprint=manifest.fingerprint,
                steps_total=len(manifest.steps),
            )
        )
        session.log_event(ev.AdapterSelected(adapter=adapter.name))
        adapter.run(request)
    except OsirisError as error:
        session.logger.exception("the run stopped: %s", error.message)
        return error
    except KeyboardInterrupt:
        return request.cancel.reason or CancelledError("the run was interrupted")
    except Exception as error:  # the run's boundary: a bug must still leave a true status
        session.logger.critical("a bug stopped the run: %s", error, exc_info=True)
        return InternalError(
            f"{type(error).__name__}: {error}",
            hint="this is a bug in Osiris; debug.log in the run's directory has the traceback",
        )
    return request.cancel.reason


def _finish(
    request: RunRequest, adapter: ExecutionAdapter, error: OsirisError | None, seconds: float
) -> RunResult:
    session = request.session
    status = session.fold.result(error)
    status = session.finish(
        ev.RunComplete(
            state=status.state,
            ok=status.ok,
            exit_code=status.exit_code or 0,
            steps_completed=status.steps_completed,
            steps_failed=status.steps_failed,
            steps_skipped=status.steps_skipped,
            total_rows=status.total_rows,
        ),
        Metric(name=MetricName.SESSION_DURATION_SECONDS, value=seconds),
        status,
    )
    return RunResult(
        layout=session.layout, adapter=adapter.name, status=status, error=error or session.broken
    )

"""What a sandbox run has come to: its error, and the end of every step that nobody told of."""

from typing import Any

from osiris.core import events as ev
from osiris.core.errors import CancelledError, InternalError, OsirisError
from osiris.remote.errors import (
    HostileSandboxError,
    SandboxError,
    SandboxFullError,
    WorkerDiedError,
)
from osiris.remote.record_guard import RecordGuard, Stage
from osiris.remote.record_intake import RecordIntake
from osiris.remote.rpc_protocol import CleanupCommand, ExecStepCommand, PingCommand, PrepareCommand

_STOPPED = {
    "deadline": "it took longer than the deadline of the run",
    "lease": "nobody had listened to it for too long",
    "terminated": "something in the sandbox told it to end",
    "cancelled": "it was told to, though this run was not cancelled",
}


def what_went_wrong(
    intake: RecordIntake, guard: RecordGuard, lost: OsirisError | None, *, cancelled: bool
) -> OsirisError | None:
    """Return the error that stopped the run as a whole, or None; a failed step is none.

    `lost` is what kept the host from hearing the worker to its end. A run that was cancelled has
    its reason already: how its sandbox then ended does not matter.
    """
    if cancelled and (lost is None or isinstance(lost, SandboxError)):
        return None
    if intake.error is not None:
        return _believable(intake.error)
    if lost is not None:
        return lost
    return _how_it_ended(intake.closed or {}) or _unproven(intake, guard)


def _believable(error: OsirisError) -> OsirisError:
    if isinstance(error, CancelledError):
        return HostileSandboxError("the worker says that the run was cancelled; it was not")
    return error


def _how_it_ended(closed: dict[str, Any]) -> OsirisError | None:
    """Return the error of a worker that did not end by itself and well."""
    reason, signal, code = closed.get("reason"), closed.get("signal"), closed.get("exit_code")
    if reason == "disk_full":
        return SandboxFullError(
            "no disk space is left in the sandbox", hint="use a sandbox with a larger disk"
        )
    if closed.get("oom"):
        return WorkerDiedError(
            "the worker was killed because the sandbox ran out of memory (OOM)",
            hint="give the sandbox more memory, or run fewer steps at once (--jobs)",
        )
    if reason is not None:
        told = _STOPPED.get(str(reason), f"{reason!r:.40}")
        return WorkerDiedError(f"the runner stopped the worker: {told}")
    if signal is not None:
        return WorkerDiedError(
            f"the worker was killed by signal {signal}",
            hint="debug.log has what it said last",
        )
    if code != 0:
        return WorkerDiedError(
            f"the worker ended with exit code {code}", hint="debug.log has what it said last"
        )
    return None


def _unproven(intake: RecordIntake, guard: RecordGuard) -> OsirisError | None:
    """Return the error of a worker that says it is done and does not show it."""
    steps = len(guard.stages)
    asked = [
        PingCommand.cmd,
        PrepareCommand.cmd,
        *[ExecStepCommand.cmd] * steps,
        CleanupCommand.cmd,
    ]
    open_steps = [step for step, stage in guard.stages.items() if stage is not Stage.ENDED]
    if intake.answered != asked:
        claim = "it has not answered every command"
    elif open_steps:
        claim = f"nothing was told of the end of {', '.join(open_steps)}"
    elif guard.cancelled:
        claim = f"{', '.join(sorted(guard.cancelled))} was cancelled, but the run was not"
    else:
        return None
    return HostileSandboxError(f"the worker says that it is done, but {claim}")


def end_steps(
    intake: RecordIntake, guard: RecordGuard, failure: OsirisError | None, *, cancelled: bool
) -> None:
    """Record the end of every step that has none: the worker will not tell it any more.

    Nothing is recorded when the worker refused the whole run: then no step was to run at all.
    """
    if failure is not None and not isinstance(failure, SandboxError | InternalError):
        return
    for step_id, stage in guard.stages.items():
        if stage is Stage.ENDED:
            continue
        if stage is Stage.RUNNING and failure is not None:
            intake.keep(ev.StepFailed(step_id=step_id, error=failure.to_dict()))
        else:
            reason = "cancelled" if cancelled else "adapter_failed"
            intake.keep(ev.StepSkipped(step_id=step_id, reason=reason))
        guard.stages[step_id] = Stage.ENDED

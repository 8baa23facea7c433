"""Every error Osiris raises on purpose: what went wrong, whose fault it is, what to do."""

from enum import StrEnum
from typing import Any, ClassVar


class ErrorKind(StrEnum):
    """Whose fault an error is; a retry is worth its time only for `TRANSIENT`."""

    CONFIG = "config"
    TRANSIENT = "transient"
    SYSTEM = "system"
    DATA = "data"


class OsirisError(Exception):
    """An expected failure, told to the user by `message` and `hint` without a traceback.

    `code` is stable and unique to the class: errors cross a process boundary by their code and
    arrive as their own class (`error_from_dict`). `exit_code` is what a command ends with.
    """

    code: ClassVar[str] = "osiris.error"
    kind: ClassVar[ErrorKind] = ErrorKind.SYSTEM
    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def to_dict(self) -> dict[str, Any]:
        """Return the error as it stands in records and in status.json."""
        return {
            "code": self.code,
            "kind": str(self.kind),
            "message": self.message,
            "hint": self.hint,
        }


class InternalError(OsirisError):
    """A bug in Osiris: something happened that the code holds to be impossible."""

    code = "osiris.bug"


class UsageError(OsirisError):
    """The command line asks for something that does not exist or does not go together."""

    code = "usage.invalid"
    kind = ErrorKind.CONFIG
    exit_code = 2


class InputError(OsirisError):
    """A file the user wrote (pipeline, manifest, connections) cannot be used."""

    code = "input.invalid"
    kind = ErrorKind.CONFIG
    exit_code = 3


class PipelineError(InputError):
    """The pipeline's YAML is not a valid pipeline."""

    code = "pipeline.invalid"


class ManifestError(InputError):
    """A compiled manifest or one of its step configs is missing, damaged or not ours."""

    code = "manifest.invalid"


class ConnectionConfigError(InputError):
    """A connection is unknown, incomplete, or carries a literal secret."""

    code = "connection.invalid"


class ComponentError(InputError):
    """A component is unknown or its package is broken."""

    code = "component.invalid"


class RunEnvironmentError(OsirisError):
    """The machine lacks something the run needs."""

    code = "environment.invalid"
    kind = ErrorKind.CONFIG
    exit_code = 4


class MissingVariableError(RunEnvironmentError):
    """An environment variable that the manifest uses is not set."""

    code = "environment.missing_variable"


class MissingDependencyError(RunEnvironmentError):
    """A Python package that a component needs is not installed, or not at the right version."""

    code = "environment.missing_dependency"


class UnwritableOutputError(RunEnvironmentError):
    """A place the pipeline or the run must write to cannot be written."""

    code = "environment.unwritable_output"


class AdapterError(OsirisError):
    """The place where the steps should run failed, not a step."""

    code = "adapter.failed"
    exit_code = 5


class RunsDifferError(OsirisError):
    """Two runs that should have left the same evidence did not."""

    code = "parity.different"
    kind = ErrorKind.DATA
    exit_code = 6


class CancelledError(OsirisError):
    """The run was stopped from outside: SIGINT, SIGTERM or a caller's token."""

    code = "run.cancelled"
    exit_code = 130


class TerminatedError(CancelledError):
    """The run was stopped by SIGTERM."""

    code = "run.terminated"
    exit_code = 143


class StepError(OsirisError):
    """A step failed; the base of what a driver raises."""

    code = "step.failed"
    exit_code = 1


class ConfigError(StepError):
    """The system a step talks to refuses its configuration (wrong password, no such table)."""

    code = "step.config"
    kind = ErrorKind.CONFIG


class AuthenticationError(ConfigError):
    """The system a step talks to does not accept user and password, or not from here."""

    code = "step.authentication"


class TlsError(ConfigError):
    """The system a step talks to offers no encryption, or not one that can be trusted."""

    code = "step.tls"


class UnknownDatabaseError(ConfigError):
    """The database that a connection names does not exist, or is not this user's to use."""

    code = "step.unknown_database"


class MissingRightError(ConfigError):
    """The account a step logs in with lacks a right that the step needs."""

    code = "step.missing_right"


class TransientStepError(StepError):
    """A step failed for a reason that may pass: a lost connection, a deadlock, a busy server."""

    code = "step.transient"
    kind = ErrorKind.TRANSIENT


class ConnectTimeoutError(TransientStepError):
    """The system a step talks to did not answer in time while connecting."""

    code = "step.connect_timeout"


class DataError(StepError):
    """The data itself cannot be read, converted or written without losing something."""

    code = "data.invalid"
    kind = ErrorKind.DATA


class RowsLostError(DataError):
    """The rows on the two ends of an edge are not the same number."""

    code = "data.rows_lost"


class CorruptDataError(DataError):
    """A file is not what its SHA-256 says it is."""

    code = "data.corrupt"


class SystemStepError(StepError):
    """The machine failed a step: an I/O error, no memory, a bug in a library."""

    code = "step.system"


class DiskFullError(SystemStepError):
    """No space is left (or a quota or file size limit is reached) where a step writes."""

    code = "step.disk_full"


class DriverCrashError(SystemStepError):
    """A driver raised something that is not a `StepError`; the traceback is in debug.log."""

    code = "step.crashed"


class StepTimeoutError(StepError):
    """A step took longer than its `timeout`."""

    code = "step.timeout"


class FailFastError(StepError):
    """A step was stopped because another failed and the run was asked to fail fast."""

    code = "step.fail_fast"


def error_classes() -> dict[str, type[OsirisError]]:
    """Return every error class by its code, subclasses defined elsewhere included."""
    found: dict[str, type[OsirisError]] = {}
    pending: list[type[OsirisError]] = [OsirisError]
    while pending:
        cls = pending.pop()
        found[cls.code] = cls
        pending.extend(cls.__subclasses__())
    return found


def error_from_dict(data: dict[str, Any]) -> OsirisError:
    """Rebuild an error from `to_dict`; an unknown code becomes a `StepError` with its text."""
    cls = error_classes().get(str(data.get("code")), StepError)
    hint = data.get("hint")
    return cls(str(data.get("message", "")), hint=None if hint is None else str(hint))

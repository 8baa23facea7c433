"""What can be wrong with a sandbox, as opposed to what happens in it."""

from osiris.core.errors import AdapterError, ErrorKind


class SandboxError(AdapterError):
    """A sandbox failed; the base of all that a `Sandbox` raises."""

    code = "sandbox.failed"


class SandboxUnavailableError(SandboxError):
    """No sandbox of this kind can be made here (no bubblewrap, no key, refused, no quota)."""

    code = "sandbox.unavailable"
    kind = ErrorKind.CONFIG


class SandboxBusyError(SandboxError):
    """The service is busy or the rate limit is reached, after all retries."""

    code = "sandbox.busy"
    kind = ErrorKind.TRANSIENT


class SandboxUnreachableError(SandboxError):
    """The way to the sandbox is cut or times out; the sandbox itself may well live: try again."""

    code = "sandbox.unreachable"
    kind = ErrorKind.TRANSIENT


class SandboxGoneError(SandboxError):
    """The sandbox does not exist any more: expired, killed, or lost."""

    code = "sandbox.gone"


class SandboxFullError(SandboxError):
    """No disk space is left in the sandbox."""

    code = "sandbox.full"


class SandboxFileMissingError(SandboxError):
    """A file asked for is not in the sandbox."""

    code = "sandbox.file_missing"


class WorkerDiedError(SandboxError):
    """The worker ended without saying that it is done; an out-of-memory kill is told as one."""

    code = "sandbox.worker_died"


class HostileSandboxError(SandboxError):
    """What came out of the sandbox breaks the protocol: a path, size, digest or record."""

    code = "sandbox.hostile"


class ProtocolVersionError(SandboxError):
    """The two ends do not speak the same version of the protocol."""

    code = "sandbox.protocol_version"

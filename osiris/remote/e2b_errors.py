"""Every exception of the E2B SDK, and of the HTTP libraries below it, as one of ours.

One table, by the exception's package and name, so that it holds for SDKs that do not know a class
yet and needs no import. An exception is looked up along its bases: a class that a later SDK adds
is found by the base that it has. What is in no row is a bug, not a sandbox's failure, and is not
turned into one.
"""

import re
from typing import Final

from osiris.remote.errors import (
    SandboxBusyError,
    SandboxError,
    SandboxFileMissingError,
    SandboxFullError,
    SandboxGoneError,
    SandboxUnavailableError,
    SandboxUnreachableError,
)

Row = tuple[type[SandboxError], str | None]

_KEY = "check the key in E2B_API_KEY (https://e2b.dev/dashboard?tab=keys)"
_LATER = "try again in a while, or run fewer sandboxes at once"
_TEMPLATE = "check the template; `osiris e2b build-template` builds one"
_TRY_AGAIN = "check the network; nothing in the sandbox is lost by a cut connection"
_NO_WAY = "check the network, and E2B_DOMAIN and E2B_API_URL if they are set"
_DISK = "use a template with a larger disk, or bring less data into the sandbox"
_ENDED = "it was killed, or reached the end of its time"

TABLE: Final[dict[str, Row]] = {
    # The SDK's own, each of them: a test holds the table to what the SDK exports.
    "e2b.SandboxException": (SandboxError, None),
    "e2b.TimeoutException": (SandboxUnreachableError, _TRY_AGAIN),
    "e2b.SandboxUnreachableException": (SandboxUnreachableError, _TRY_AGAIN),
    "e2b.SandboxNotRunningException": (SandboxGoneError, _ENDED),
    "e2b.SandboxNotFoundException": (SandboxGoneError, _ENDED),
    "e2b.GuestUnresponsiveException": (SandboxGoneError, _ENDED),
    "e2b.NotFoundException": (SandboxError, None),
    "e2b.FileNotFoundException": (SandboxFileMissingError, None),
    "e2b.NotEnoughSpaceException": (SandboxFullError, _DISK),
    "e2b.AuthenticationException": (SandboxUnavailableError, _KEY),
    "e2b.InvalidArgumentException": (SandboxError, None),
    "e2b.RateLimitException": (SandboxBusyError, _LATER),
    "e2b.ServiceBusyException": (SandboxBusyError, _LATER),
    "e2b.TemplateException": (SandboxUnavailableError, _TEMPLATE),
    "e2b.BuildException": (SandboxUnavailableError, _TEMPLATE),
    "e2b.FileUploadException": (SandboxUnavailableError, _TEMPLATE),
    "e2b_dockerfile_utils.DockerfileSyntaxError": (SandboxUnavailableError, _TEMPLATE),
    "e2b.CommandExitException": (SandboxError, None),
    "e2b.GitAuthException": (SandboxError, None),
    "e2b.GitUpstreamException": (SandboxError, None),
    "e2b.VolumeException": (SandboxError, None),
    "e2b.VolumeNotFoundException": (SandboxError, None),
    "e2b.VolumePathNotFoundException": (SandboxError, None),
    "e2b.SecretException": (SandboxError, None),
    "e2b.SecretNotFoundException": (SandboxError, None),
    # Below the SDK: what it lets through as it is.
    "httpx.HTTPError": (SandboxUnreachableError, _TRY_AGAIN),
    "httpx.TransportError": (SandboxUnreachableError, _TRY_AGAIN),
    "httpx.StreamError": (SandboxUnreachableError, _TRY_AGAIN),
    "httpx.InvalidURL": (SandboxUnavailableError, "check E2B_DOMAIN, E2B_API_URL, E2B_SANDBOX_URL"),
    "connectrpc.ConnectError": (SandboxUnreachableError, _TRY_AGAIN),
    "pyqwest.ReadError": (SandboxUnreachableError, _TRY_AGAIN),
    "pyqwest.WriteError": (SandboxUnreachableError, _TRY_AGAIN),
    "pyqwest.StreamError": (SandboxUnreachableError, _TRY_AGAIN),
    "pyqwest.RemoteProtocolError": (SandboxUnreachableError, _TRY_AGAIN),
    "pyqwest.TooManyRedirects": (SandboxUnreachableError, _TRY_AGAIN),
    "builtins.OSError": (SandboxUnreachableError, _TRY_AGAIN),  # ConnectionError, TimeoutError
}

# A plain SandboxException, or one of the older SDKs, says only by number what it is.
STATUS_TABLE: Final[dict[int, Row]] = {
    400: (SandboxUnavailableError, None),
    401: (SandboxUnavailableError, _KEY),
    403: (SandboxUnavailableError, _KEY),
    404: (SandboxUnavailableError, _TEMPLATE),
    429: (SandboxBusyError, _LATER),
    500: (SandboxUnreachableError, _TRY_AGAIN),
    502: (SandboxUnreachableError, _TRY_AGAIN),
    503: (SandboxBusyError, _LATER),
    504: (SandboxUnreachableError, _TRY_AGAIN),
    507: (SandboxFullError, _DISK),
}

_STATUS = re.compile(r"^(\d{3}): ")
# The oldest SDKs say by words alone that a sandbox has ended.
_SAYS_GONE = re.compile(r"sandbox was not found|sandbox was killed or reached its end of life")
_LONGEST = 2000
# The SDK raises the bare class when a stream ends without saying how the command did.
_ENDED_WITHOUT_END = "without an end event"


def as_sandbox_error(error: BaseException, *, doing: str, sandbox_id: str) -> SandboxError | None:
    """Return an exception as ours, saying what was being done and where; None if it is a bug."""
    row = row_for(error)
    if row is None:
        return None
    cls, hint = row
    if not sandbox_id and hint == _TRY_AGAIN:
        hint = _NO_WAY  # there is no sandbox yet
    text = str(error).strip() or type(error).__name__
    where = f"E2B sandbox {sandbox_id}" if sandbox_id else "E2B"
    return cls(f"{where}: cannot {doing}: {text[:_LONGEST]}", hint=hint)


def row_for(error: BaseException) -> Row | None:
    """Return the table's row for an exception; None when there is none."""
    if isinstance(error, SandboxError):
        return type(error), error.hint
    if type(error) is Exception and _ENDED_WITHOUT_END in str(error):
        return SandboxUnreachableError, _TRY_AGAIN
    row = next((TABLE[name] for name in names_of(type(error)) if name in TABLE), None)
    if row is not None and row[0] is SandboxError:
        row = STATUS_TABLE.get(_status_of(error) or 0, row)
    if row is not None and row[0] is SandboxUnreachableError and _SAYS_GONE.search(str(error)):
        return SandboxGoneError, _ENDED
    return row


def names_of(cls: type[BaseException]) -> list[str]:
    """Return `package.Name` of a class and of its bases, nearest first."""
    return [f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in cls.__mro__]


def _status_of(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return status
    found = _STATUS.match(str(error))
    return int(found[1]) if found else None

"""From what a store answers, or does not, to the errors a user reads."""

import re
import socket
import ssl
from dataclasses import dataclass

from osiris.core.errors import (
    AuthenticationError,
    ConfigError,
    DataError,
    StepError,
    SystemStepError,
    TlsError,
    TransientStepError,
)

_PASSING_STATUS = {429, 500, 502, 503, 504}
_PASSING = {"InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown"}
_KEYS = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
_HINTS = {
    "AccessDenied": "the keys, or nobody, may not do that: look at the policies of user and bucket",
    "AllAccessDisabled": "ask the owner of the bucket",
    "AuthorizationHeaderMalformed": "check the connection's `region`",
    "NoSuchBucket": "check the connection's `bucket`, `endpoint` and `region`; "
    "buckets are not made by runs",
    "NoSuchKey": "check the step's `path` and the connection's `prefix`",
    "PermanentRedirect": "the bucket is in another region: set the connection's `region`",
    "RequestTimeTooSkewed": "set this machine's clock",
    "TemporaryRedirect": "the bucket is in another region: set the connection's `region`",
}


@dataclass(frozen=True)
class Refusal:
    """An answer that is not what was asked for.

    Attributes:
        status: HTTP status.
        code: S3's own code, such as NoSuchKey; "" without one.
        message: what the store says about it.
        retry_after: seconds the store asks to wait; None when it does not say.

    """

    status: int
    code: str
    message: str
    retry_after: float | None = None

    @classmethod
    def of(cls, status: int, body: bytes, retry_after: str | None) -> "Refusal":
        """Read an answer's body, which is XML of one level where it is S3's own."""
        text = body[:4096].decode("utf-8", "replace")
        seconds = retry_after if retry_after and retry_after.isdigit() else None
        return cls(
            status,
            _tag(text, "Code"),
            _tag(text, "Message") or f"HTTP status {status}",
            float(seconds) if seconds else None,
        )

    @property
    def passing(self) -> bool:
        """Whether the same request may do later."""
        return self.status in _PASSING_STATUS or self.code in _PASSING

    def error(self, what: str) -> StepError:
        """Return the error for what was asked, such as `s3://bucket/key cannot be read`."""
        text = f"{what}: {self.message} ({self.code or self.status})"
        forbidden = "AccessDenied" if self.status == 403 else ""  # noqa: PLR2004 - HTTP: Forbidden
        hint = _HINTS.get(self.code or forbidden)
        if self.passing:
            return TransientStepError(
                text, hint="the store is busy; give the step a `retry`, or try later"
            )
        if self.code in _KEYS:
            return AuthenticationError(
                text, hint="check the variables of the connection's keys, and the region"
            )
        if self.status == 412:  # noqa: PLR2004 - HTTP: Precondition Failed
            return DataError(
                f"{what}: it changed meanwhile", hint="run again when nothing writes it"
            )
        return ConfigError(text, hint=hint or "check the connection, and the step's `path`")


def _tag(text: str, name: str) -> str:
    found = re.search(rf"<{name}>([^<]*)</{name}>", text)
    return found[1] if found else ""


def unreachable(error: Exception, place: str) -> StepError:
    """Return the error for a store that could not be talked to."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TlsError(
            f"{place}: the certificate cannot be trusted: {error.verify_message}",
            hint="name the authority that signed it in the connection's `ca`",
        )
    if isinstance(error, ssl.SSLError):
        return TlsError(
            f"{place}: no encryption could be agreed on: {error.reason or error}",
            hint="is it http:// and not https:// in the connection's `endpoint`?",
        )
    if isinstance(error, socket.gaierror):
        return TransientStepError(
            f"{place}: the name cannot be resolved: {error.strerror}",
            hint="check the connection's `endpoint` and `region`",
        )
    if isinstance(error, FileNotFoundError | PermissionError):
        return ConfigError(f"cannot read {error.filename}: {error.strerror}")
    if isinstance(error, OSError | EOFError) or _is_http(error):
        said = str(error) or type(error).__name__
        return TransientStepError(
            f"{place}: the connection failed: {said}", hint="give the step a `retry`"
        )
    return SystemStepError(f"{place}: {error}")


def _is_http(error: Exception) -> bool:
    return type(error).__module__ == "http.client"

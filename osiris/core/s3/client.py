"""Sending requests to a store: signed, timed, tried again where that may help."""

import hashlib
import http.client
import ssl
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from osiris.components.s3_connection import S3Connection
from osiris.core.cancel import CancelToken
from osiris.core.s3.failure import Refusal, unreachable
from osiris.core.s3.signature import Credentials, query_string, quoted, signed_headers

_LONGEST_PAUSE = 20.0
_MOST_OF_ERROR = 64 * 1024
FAILURES = (OSError, http.client.HTTPException, EOFError)
"""What ends a request without an answer."""


class RefusedError(Exception):
    """The store answered, but not with what was asked for."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class S3Client:
    """Talks to the bucket of one connection.

    Args:
        connection: where it is and who asks.
        base_dir: directory that a relative path to `ca` refers to.
        cancelled: looked at before each try and while waiting for the next.
        first_pause: seconds before the second try; each pause is twice the one before.

    """

    def __init__(
        self,
        connection: S3Connection,
        base_dir: Path,
        cancelled: CancelToken,
        *,
        first_pause: float = 0.2,
    ) -> None:
        self.connection = connection
        self.cancelled = cancelled
        self._base_dir = base_dir
        self._first_pause = first_pause
        self._credentials = _credentials(connection)

    def undisturbed(self) -> "S3Client":
        """Return a client that does what it is asked though the run was cancelled."""
        return S3Client(self.connection, self._base_dir, CancelToken())

    @property
    def place(self) -> str:
        """The store, for messages."""
        _, host, port = self.connection.address
        return f"{host}:{port}"

    def request(
        self,
        method: str,
        key: str = "",
        *,
        what: str,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> tuple[Mapping[str, str], bytes]:
        """Send until there is an answer or no hope; return its headers, in small letters, and body.

        Raises the `StepError` that fits; its message begins with `what`.
        """
        for attempt in self.attempts(what):
            with (
                attempt,
                self.answer(
                    method, key, query=query or {}, headers=headers or {}, body=body
                ) as answer,
            ):
                data = answer.read()
                if data.lstrip().startswith(b"<?xml") and b"<Error>" in data[:1024]:
                    # A long merge is answered with 200 before it is known how it ends.
                    raise RefusedError(Refusal.of(500, data, None))
                return _headers(answer), data
        raise AssertionError(what)  # the last attempt raises

    def attempts(self, what: str) -> Generator["Attempt"]:
        """Yield attempts, with a pause between, until one raises nothing that may pass."""
        pause = self._first_pause
        for number in range(1, self.connection.max_attempts + 1):
            self.cancelled.raise_if_set()
            last = number == self.connection.max_attempts
            attempt = Attempt(what, self.place, last=last)
            yield attempt
            if self.cancelled.wait(min(_LONGEST_PAUSE, attempt.retry_after or pause)):
                self.cancelled.raise_if_set()
            pause *= 2

    @contextmanager
    def answer(
        self,
        method: str,
        key: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> Generator[http.client.HTTPResponse]:
        """Send once and hand out the answer; raise `RefusedError` for one that is an error."""
        connection = self._connected()
        forget = self.cancelled.on_cancel(lambda: _cut(connection))
        try:
            path = self._path(key)
            asked = query_string(query)
            _, host, port = self.connection.address
            sent = signed_headers(
                self._credentials,
                method=method,
                path=path,
                query=asked,
                headers={"host": _host_header(self.connection, host, port), **headers},
                payload_sha256=hashlib.sha256(body).hexdigest(),
                region=self.connection.region,
            )
            connection.request(method, f"{path}?{asked}" if asked else path, body or None, sent)
            answer = connection.getresponse()
            if not 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP: success
                said = answer.read(_MOST_OF_ERROR)
                raise RefusedError(
                    Refusal.of(answer.status, said, answer.headers.get("retry-after"))
                )
            yield answer
        finally:
            forget()
            connection.close()

    def _path(self, key: str) -> str:
        bucket = "" if self.connection.virtual else f"/{quoted(self.connection.bucket)}"
        return f"{bucket}/{quoted(key, safe='/')}" if key or not bucket else bucket

    def _connected(self) -> http.client.HTTPConnection:
        scheme, host, port = self.connection.address
        patience = self.connection.connect_timeout
        if scheme == "http":
            connection = http.client.HTTPConnection(host, port, timeout=patience)
        else:
            ca = self.connection.ca
            trusted = ssl.create_default_context(cafile=self._base_dir / ca if ca else None)
            connection = http.client.HTTPSConnection(host, port, timeout=patience, context=trusted)
        connection.connect()
        if connection.sock is not None:
            connection.sock.settimeout(self.connection.read_timeout)
        return connection


class Attempt:
    """One try of a request; what may pass ends its `with` block quietly, unless it is the last."""

    def __init__(self, what: str, place: str, *, last: bool) -> None:
        self._what = what
        self._place = place
        self._last = last
        self.retry_after: float | None = None

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Return whether to try again; raise the `StepError` for what ends it."""
        if isinstance(error, RefusedError):
            self.retry_after = error.refusal.retry_after
            if self._last or not error.refusal.passing:
                raise error.refusal.error(self._what) from error
            return True
        if isinstance(error, FAILURES):
            told = unreachable(error, f"{self._what}: {self._place}")
            if self._last or told.kind != "transient":
                raise told from error
            return True
        return False


def _credentials(connection: S3Connection) -> Credentials | None:
    if connection.access_key is None or connection.secret_key is None:
        return None
    token = connection.session_token
    return Credentials(
        connection.access_key.get_secret_value(),
        connection.secret_key.get_secret_value(),
        token.get_secret_value() if token else None,
    )


def _host_header(connection: S3Connection, host: str, port: int) -> str:
    usual = {"http": 80, "https": 443}[connection.address[0]]
    shown = f"[{host}]" if ":" in host else host
    return shown if port == usual else f"{shown}:{port}"


def _headers(answer: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _cut(connection: http.client.HTTPConnection) -> None:
    """Wake whoever waits for the store."""
    if connection.sock is not None:
        try:
            connection.sock.shutdown(2)
        except OSError:
            return

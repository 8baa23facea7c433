"""Connecting and logging in over a socket of our own."""

import contextlib
import ssl
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import StepError
from osiris.core.tls_context import tls_context
from osiris.drivers.postgres.conninfo import options_text
from osiris.drivers.postgres.errors import login_error
from osiris.drivers.postgres.places import addresses, place
from osiris.drivers.postgres.unreachable import (
    cannot_log_in,
    connect_failure,
    hung_up,
    no_password,
    not_postgres,
)
from osiris.drivers.postgres.wire.channel import Socket, open_channel
from osiris.drivers.postgres.wire.messages import (
    AUTHENTICATION,
    BACKEND_KEY,
    ERROR,
    READY,
    MalformedMessageError,
    message,
    parse_error,
    start_up,
    text,
)
from osiris.drivers.postgres.wire.receive import BUFFER_BYTES, Receiver
from osiris.drivers.postgres.wire.scram import MECHANISM, ScramClient, ScramError, md5_answer
from osiris.drivers.postgres.wire.wire import Wire

_OK, _CLEAR, _MD5, _SASL, _SASL_CONTINUE, _SASL_FINAL = 0, 3, 5, 10, 11, 12
_LONGEST: Final = 1 << 16  # of a message in a log-in
_PASSWORD: Final = b"p"


def open_wire(
    settings: PostgresConnection,
    *,
    base_dir: Path = Path(),
    cancelled: CancelToken,
    buffer_bytes: int = BUFFER_BYTES,
) -> Receiver:
    """Connect and log in; files of `settings.tls` are relative to `base_dir`.

    Raises as `osiris.drivers.postgres.connect.connect` does.
    """
    cancelled.raise_if_set()
    where = place(settings)
    tls = tls_context(settings.tls, base_dir)
    with _told(where, settings.connect_timeout, cancelled):
        wire = Wire(_reach(settings, tls, cancelled), where, cancelled)
        receiver = Receiver(wire, buffer_bytes)
        try:
            _log_in(receiver, settings)
        except BaseException:
            wire.close(idle=False)
            raise
        wire.logged_in()
    return receiver


def _reach(
    settings: PostgresConnection, tls: ssl.SSLContext | None, cancelled: CancelToken
) -> Socket:
    """Connect to the first address that somebody listens at."""
    *others, last = addresses(settings)
    for address in others:
        with contextlib.suppress(ConnectionRefusedError, TimeoutError):
            return open_channel(settings, address, tls, cancelled)
    return open_channel(settings, last, tls, cancelled)


@contextlib.contextmanager
def _told(where: str, seconds: float, cancelled: CancelToken) -> Iterator[None]:
    """Raise the step's error for what goes wrong, or the reason of `cancelled`."""
    try:
        yield
    except (OSError, MalformedMessageError, ScramError) as error:
        cancelled.raise_if_set()
        if isinstance(error, ConnectionResetError | BrokenPipeError):
            raise hung_up(error.strerror or str(error), where) from error
        if isinstance(error, OSError):
            raise connect_failure(error, where, seconds) from error
        if isinstance(error, ScramError):
            raise cannot_log_in(f"the server is not to be trusted: {error}", where) from error
        raise not_postgres(where) from error


def _log_in(receiver: Receiver, settings: PostgresConnection) -> None:
    wire = receiver.wire
    asked = {
        "user": settings.user,
        "database": settings.database,
        "application_name": "osiris",
        "client_encoding": "UTF8",
    }
    if settings.options:
        asked["options"] = options_text(settings)
    wire.send(start_up(asked))
    login = _Authentication(settings, receiver)
    while True:
        kind, payload = receiver.message(longest=_LONGEST)
        if kind == ERROR:
            raise _refusal(receiver, payload)
        if kind == READY:
            return
        if kind == BACKEND_KEY:
            wire.key = payload
        elif kind == AUTHENTICATION:
            login.answer(int.from_bytes(payload[:4], "big"), payload[4:])
        else:
            raise MalformedMessageError(f"a message {kind!r} comes during the log-in")


def _refusal(receiver: Receiver, payload: bytes) -> StepError:
    said = parse_error(payload)
    if not said.sqlstate:
        return not_postgres(receiver.wire.where)
    return login_error(said.sqlstate, said.text, receiver.wire.where)


class _Authentication:
    """Answers what the server asks to know who it is talking to."""

    def __init__(self, settings: PostgresConnection, receiver: Receiver) -> None:
        self._user = settings.user
        self._password = settings.password
        self._receiver = receiver
        self._where = receiver.wire.where
        self._scram: ScramClient | None = None

    def answer(self, asked: int, data: bytes) -> None:
        """Answer one request; raises `StepError`, `ScramError` and `OSError`."""
        if asked == _OK:
            return
        if asked in {_CLEAR, _MD5, _SASL}:
            self._say(self._begin(asked, data))
        elif asked == _SASL_CONTINUE and self._scram:
            self._say(self._scram.final(data))
        elif asked == _SASL_FINAL and self._scram:
            self._scram.check(data)
        else:
            raise cannot_log_in(f"the server asks for way {asked} of logging in", self._where)

    def _begin(self, asked: int, data: bytes) -> bytes:
        if self._password is None:
            raise no_password(self._where)
        password = self._password.get_secret_value()
        if asked == _CLEAR:
            return text(password)
        if asked == _MD5:
            return md5_answer(self._user, password, data[:4]) + b"\0"
        if MECHANISM.encode() not in data.split(b"\0"):
            raise cannot_log_in(f"the server offers {data!r} only", self._where)
        self._scram = ScramClient(password)
        first = self._scram.first()
        return text(MECHANISM) + struct.pack("!I", len(first)) + first

    def _say(self, payload: bytes) -> None:
        self._receiver.wire.send(message(_PASSWORD, payload))

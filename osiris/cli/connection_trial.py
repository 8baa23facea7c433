"""Trying a connection, one stage after the other, until it works or it is clear why not."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osiris.connections import ConnectionView, filled, masker_of, without_secrets
from osiris.core.driver import ConnectionChecker
from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import (
    ConnectionConfigError,
    ConnectTimeoutError,
    OsirisError,
    StepError,
    TransientStepError,
)

_SLOW = 1.0
"""Seconds from which a connection that works is called slow."""

_PATIENCE = 10.0
"""Seconds to wait for a host whose connection does not say how long."""


@dataclass(frozen=True)
class Trial:
    """What came of trying a connection.

    `state` is `ok`, `slow`, `reachable` (the driver cannot log in without a step), or what is
    wrong: `missing_variable`, `invalid`, `missing_dependency`, `unknown_host`, `refused`,
    `timeout`, `unreachable`, or the last part of the code of the driver's error
    (`authentication`, `tls`, `unknown_database`, `missing_right`, …).
    """

    ref: str
    state: str
    seconds: float | None = None
    error: OsirisError | None = None

    @property
    def ok(self) -> bool:
        """Whether the connection can be used."""
        return self.error is None


class _NoWay(Exception):  # noqa: N818 - an outcome of trying, caught where it is reported
    """A host of the connection cannot be reached; `state` says why."""

    def __init__(self, state: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.state = state
        self.error = TransientStepError(message, hint=hint)


def try_connection(view: ConnectionView, env: Mapping[str, str], base_dir: Path) -> Trial:
    """Fill the connection in, look for its hosts, and let its driver log in."""
    masker = masker_of(view, env)
    try:
        connection = filled(view, env)
        checker = _checker(view)
        started = time.monotonic()
        for host, port in connection.hosts():
            _reach(host, port, getattr(connection, "connect_timeout", _PATIENCE))
        if checker is not None:
            checker.check_connection(connection, base_dir)
    except _NoWay as no_way:
        return Trial(view.ref, no_way.state, error=without_secrets(no_way.error, masker))
    except OsirisError as error:
        return Trial(view.ref, _state(error), error=without_secrets(error, masker))
    seconds = time.monotonic() - started
    if checker is None:
        return Trial(view.ref, "reachable", seconds)
    return Trial(view.ref, "slow" if seconds >= _SLOW else "ok", seconds)


def _checker(view: ConnectionView) -> ConnectionChecker | None:
    """Return a driver that can try the connection; raise the error of a missing package."""
    registry = DriverRegistry()
    drivers: list[Any] = [registry.driver(component.name) for component in view.components]
    return next((driver for driver in drivers if isinstance(driver, ConnectionChecker)), None)


def _reach(host: str, port: int, patience: float) -> None:
    """Open a TCP connection and close it again; raise `_NoWay` when that fails."""
    place = f"{host}:{port}"
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else "not a host name"
        raise _NoWay(
            "unknown_host",
            f"the name {host!r} cannot be resolved: {reason}",
            "check `host`, and the network's name servers",
        ) from error
    try:
        socket.create_connection((host, port), timeout=patience).close()
    except TimeoutError as error:
        raise _NoWay(
            "timeout",
            f"{place} did not answer within {patience:g} s",
            "check host, port and the firewalls between",
        ) from error
    except ConnectionRefusedError as error:
        raise _NoWay(
            "refused",
            f"nothing listens at {place} (connection refused)",
            "check host and port, and that the server runs",
        ) from error
    except OSError as error:
        raise _NoWay(
            "unreachable",
            f"cannot reach {place}: {error.strerror or error}",
            "check the network between here and the server",
        ) from error


def _state(error: OsirisError) -> str:
    if isinstance(error, ConnectionConfigError):
        return "invalid"
    if isinstance(error, ConnectTimeoutError):
        return "timeout"
    state = error.code.rpartition(".")[2]
    plain = type(error).__mro__[1] is StepError
    return f"failed_{state}" if plain else state

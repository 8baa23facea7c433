"""Why a server cannot be reached, or is none, in the words of a step's error."""

import errno
import ssl
from typing import Final

from osiris.core.errors import (
    AuthenticationError,
    ConfigError,
    ConnectTimeoutError,
    StepError,
    TlsError,
    TransientStepError,
)

NO_SUCH_SOCKET: Final = (errno.ENOENT, errno.EACCES, errno.ENOTSOCK, errno.ENOTDIR)


def connect_failure(error: OSError, where: str, seconds: float) -> StepError:
    """Return the step's error for a connection that could not be opened."""
    if isinstance(error, ssl.SSLError):
        if isinstance(error, ssl.SSLCertVerificationError):
            return tls_failure(f"certificate verify failed: {error.verify_message}", where)
        return tls_failure(error.reason or str(error), where)
    if isinstance(error, TimeoutError):
        return ConnectTimeoutError(
            f"PostgreSQL at {where} did not answer within {seconds:g} s",
            hint="check host, port and firewall; connect_timeout sets how long to wait",
        )
    if isinstance(error, ConnectionRefusedError):
        return TransientStepError(
            f"nothing listens at {where} (connection refused)",
            hint="check host and port, and that the server runs",
        )
    if error.errno in NO_SUCH_SOCKET:
        return ConfigError(
            f"cannot open {where}: {error.strerror}",
            hint="check `socket` and `port`, and that the server runs on this machine",
        )
    return TransientStepError(
        f"cannot connect to PostgreSQL at {where}: {error.strerror or error}",
        hint="check host, port and the network between",
    )


def tls_failure(reason: str, where: str) -> TlsError:
    """Return the error for TLS that is not offered, not agreed on or not to be trusted."""
    return TlsError(
        f"TLS with PostgreSQL at {where} failed: {reason}",
        hint="check the connection's `tls`, and that the server offers TLS with a certificate that"
        " is valid and made for this host",
    )


def not_postgres(where: str) -> ConfigError:
    """Return the error for something else that listens there."""
    return ConfigError(
        f"what listens at {where} does not speak the PostgreSQL protocol",
        hint="check host and port",
    )


def no_password(where: str) -> AuthenticationError:
    """Return the error for a password that is asked for and not there."""
    return AuthenticationError(
        f"PostgreSQL at {where} asks for a password, and the connection has none",
        hint="set `password` in the connection",
    )


def hung_up(reason: str, where: str) -> TransientStepError:
    """Return the error for a server that ends the connection while somebody logs in."""
    return TransientStepError(
        f"PostgreSQL at {where} closed the connection while logging in: {reason}",
        hint="look into the server's log; it may be starting, stopping or full",
    )


def cannot_log_in(reason: str, where: str) -> ConfigError:
    """Return the error for a way to log in that is not known here."""
    return ConfigError(
        f"cannot log in to PostgreSQL at {where}: {reason}",
        hint="use a way to log in that is supported: scram-sha-256, or a client certificate",
    )

"""Where a server is: its addresses, and what it is called in messages."""

import socket

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.errors import ConfigError, StepError, TransientStepError


def place(settings: PostgresConnection) -> str:
    """Return where the server is, for messages."""
    if settings.socket:
        return f"{settings.socket}/.s.PGSQL.{settings.port}"
    return f"{settings.host}:{settings.port}"


def addresses(settings: PostgresConnection) -> list[str]:
    """Return the addresses of the host; one empty text for a Unix socket.

    Raises `ConfigError` for a host that does not exist and `TransientStepError` when the name
    service does not answer.
    """
    if settings.socket:
        return [""]
    try:
        found = socket.getaddrinfo(settings.host, settings.port, proto=socket.IPPROTO_TCP)
    except (socket.gaierror, UnicodeError) as error:
        raise _unknown_host(error, place(settings)) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _unknown_host(error: socket.gaierror | UnicodeError, where: str) -> StepError:
    if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
        return TransientStepError(
            f"the name service does not answer for the host of {where}",
            hint="check the network and its name servers",
        )
    reason = getattr(error, "strerror", None) or str(error)
    return ConfigError(f"there is no host {where}: {reason}", hint="check `host`")

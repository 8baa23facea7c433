"""Stopping what the server does for a connection that was given up."""

import contextlib
import logging
from pathlib import Path
from typing import Final

from osiris.components.postgres_connection import PostgresConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import OsirisError
from osiris.core.tls_context import tls_context
from osiris.drivers.postgres.places import addresses
from osiris.drivers.postgres.wire.channel import open_channel
from osiris.drivers.postgres.wire.messages import cancel_request

_SECONDS: Final = 3.0
_log: Final = logging.getLogger(__name__)


def stop_statement(settings: PostgresConnection, base_dir: Path, key: bytes) -> None:
    """Ask the server, over a second connection, to cancel the statement; takes seconds at most."""
    quick = settings.model_copy(update={"connect_timeout": min(_SECONDS, settings.connect_timeout)})
    try:
        tls = tls_context(quick.tls, base_dir)
        channel = open_channel(quick, addresses(quick)[0], tls, CancelToken())
        with contextlib.closing(channel):
            channel.sendall(cancel_request(key))
            channel.recv(1)  # the server hangs up when it has passed the request on
    except (OSError, OsirisError) as error:
        _log.debug("could not stop the statement on the server: %s", error)

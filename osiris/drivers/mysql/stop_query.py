"""Stopping a query on the server whose connection was given up."""

import logging
from pathlib import Path
from typing import Final

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import OsirisError
from osiris.drivers.mysql.connect import open_wire
from osiris.drivers.mysql.protocol import MalformedPacketError
from osiris.drivers.mysql.receive import Receiver
from osiris.drivers.mysql.session import scalar
from osiris.drivers.mysql.statement import run

_SECONDS: Final = 3.0
_COMPARED: Final = 64
_RUNNING: Final = "SELECT info FROM information_schema.processlist WHERE id = {:d}"
_log: Final = logging.getLogger(__name__)


def stop_query(settings: MySQLConnection, base_dir: Path, thread_id: int, sql: str) -> bool:
    """Kill the query through a second connection, within seconds; tells whether that was done.

    A proxy may have given numbers of its own, so the query is killed only where the server shows
    `sql` as what the connection runs. Without a kill the server stops when it next writes a row.
    """
    quick = settings.model_copy(update={"connect_timeout": min(_SECONDS, settings.connect_timeout)})
    try:
        wire = open_wire(quick, base_dir=base_dir, cancelled=CancelToken())
        try:
            return _stop(Receiver(wire), thread_id, sql)
        finally:
            wire.close(idle=True)
    except (OsirisError, MalformedPacketError) as error:
        _log.debug("could not stop the query on the server: %s", error)
        return False


def _stop(receiver: Receiver, thread_id: int, sql: str) -> bool:
    shown = scalar(receiver, _RUNNING.format(thread_id))
    if shown is None or shown.strip()[:_COMPARED] != sql.strip()[:_COMPARED]:
        return False
    run(receiver, f"KILL QUERY {thread_id:d}")
    _log.debug("stopped the query of connection %d on the server", thread_id)
    return True

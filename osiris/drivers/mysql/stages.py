"""The tables where rows wait beside their table: their names, whose they are, and their end."""

import hashlib
import logging
from pathlib import Path
from typing import Final

from osiris.components.mysql_extractor import MySQLConnection
from osiris.core.cancel import CancelToken
from osiris.core.errors import OsirisError, StepError, TransientStepError
from osiris.drivers.mysql.table_facts import Place, literal
from osiris.drivers.mysql.write_session import WriteSession

_SHOWN: Final = 40
_DIGITS: Final = 8
_LOCK_DIGITS: Final = 48
_QUICK_SECONDS: Final = 3
_log: Final = logging.getLogger(__name__)


def stage_of(place: Place) -> Place:
    """Return the table where the rows for another wait; the name says whose it is."""
    return place.beside(f"osiris_stage_{_marked(place.table)}")


def outgoing_of(place: Place) -> Place:
    """Return the name that a table has from when it was replaced until it is dropped."""
    return place.beside(f"osiris_old_{_marked(place.table)}")


def _marked(table: str) -> str:
    digits = hashlib.sha256(table.encode()).hexdigest()[:_DIGITS]
    return f"{table[:_SHOWN].rstrip()}_{digits}"


def claim_stage(session: WriteSession, place: Place) -> None:
    """Keep other writers off the stage until the session ends, and drop what a killed run left.

    Raises `TransientStepError` when another run is writing the table.
    """
    if not _locked(session, place, session.lock_seconds):
        raise TransientStepError(
            f"another run is writing {place}",
            hint="let it end; the step can be tried again: set `retry` on it",
        )
    for left in (stage_of(place), outgoing_of(place)):
        session.run(f"DROP TABLE IF EXISTS {left.sql}")


def sweep(session: WriteSession, place: Place) -> None:
    """Drop what a killed run left, when that is there and nobody is using it."""
    names = ", ".join(literal(left.table) for left in (stage_of(place), outgoing_of(place)))
    query = (
        "SELECT TABLE_NAME FROM information_schema.TABLES"
        f" WHERE TABLE_SCHEMA = {literal(place.database)} AND TABLE_NAME IN ({names})"
    )
    left = [place.beside(row[0] or "") for row in session.rows(query)]
    if not left or not _locked(session, place, 0):
        return
    try:
        for table in left:
            session.run(f"DROP TABLE {table.sql}")
    except StepError as error:
        _log.warning("a killed run left %s: %s", ", ".join(map(str, left)), error)


def _locked(session: WriteSession, place: Place, seconds: int) -> bool:
    name = hashlib.sha256(str(place).encode()).hexdigest()[:_LOCK_DIGITS]
    return session.value(f"SELECT GET_LOCK('osiris:{name}', {seconds:d})") == "1"


def drop_outgoing(session: WriteSession, place: Place) -> None:
    """Drop the table that was replaced; when that fails the next write does it."""
    try:
        session.run(f"DROP TABLE {outgoing_of(place).sql}")
    except StepError as error:
        _log.warning("%s was replaced, but the old rows remain: %s", place, error)


def drop_stage(settings: MySQLConnection, base_dir: Path, place: Place) -> None:
    """Drop the stage of a write that failed, within seconds, else the next write does it."""
    quick = settings.model_copy(
        update={"connect_timeout": min(_QUICK_SECONDS, settings.connect_timeout)}
    )
    try:
        with WriteSession(
            quick, base_dir=base_dir, cancelled=CancelToken(), lock_seconds=_QUICK_SECONDS
        ) as session:
            claim_stage(session, place)
    except OsirisError as error:
        _log.warning("the table %s remains until the next write: %s", stage_of(place), error)

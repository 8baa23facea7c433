"""What an error of psycopg means; apart from the others, as importing psycopg takes its time."""

import psycopg

from osiris.core.errors import StepError, SystemStepError
from osiris.drivers.postgres.errors import lost_connection, server_error


def psycopg_error(error: psycopg.Error, where: str) -> StepError:
    """Return the step's error for one of psycopg, whether the server or psycopg made it."""
    if error.sqlstate:
        primary, detail = error.diag.message_primary, error.diag.message_detail
        text = ": ".join(filter(None, (primary, detail))) or str(error)
        return server_error(error.sqlstate, text, where, said=error.diag.message_hint)
    text = " ".join(str(error).split())
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return lost_connection(where, text)
    return SystemStepError(f"psycopg reports an error: {text} (PostgreSQL at {where})")

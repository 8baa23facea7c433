"""What an error of PostgreSQL means to somebody who writes, and where in the rows it came up."""

from typing import Final

import psycopg

from osiris.core.errors import DiskFullError, StepError, TransientStepError
from osiris.drivers.postgres.psycopg_error import psycopg_error
from osiris.drivers.relational import meaning

_COLUMN: Final = "correct the data or the query, or change the column"

# Where it is another than to somebody who reads; by SQLSTATE, else by its class.
_WRITING: Final[dict[str, meaning.Meaning]] = {
    "22": meaning.data("a value does not suit its column", _COLUMN),
    "22001": meaning.data("a text is longer than its column", _COLUMN),
    "22003": meaning.data("a number is too large for its column", _COLUMN),
    "25006": meaning.config(
        "the server takes no changes", "connect to the primary server, not to one that follows it"
    ),
    "42501": meaning.right(
        "the user lacks a right the step needs",
        "grant INSERT on the table, and SELECT, UPDATE and DELETE for upsert and replace; TEMPORARY"
        " on the database; CREATE on the schema for tables that are made",
    ),
}
_FULL: Final = meaning.Meaning(
    DiskFullError, "the server's disk is full", "free space on the database server"
)
# A quota or a limit on files has no SQLSTATE of its own.
_NO_ROOM: Final = "could not extend file"


def writing_error(error: psycopg.Error, where: str) -> StepError:
    """Return the step's error, with the row where COPY stopped."""
    told, state = psycopg_error(error, where), error.sqlstate or ""
    found = _WRITING.get(state) or _WRITING.get(state[:2])
    if _NO_ROOM in (error.diag.message_primary or ""):
        found = _FULL
    if found is not None:
        text = ": ".join(filter(None, (error.diag.message_primary, error.diag.message_detail)))
        message = f"{found.what}: {text} (SQLSTATE {state}, PostgreSQL at {where})"
        told = found.error(message, hint=found.hint)
    lines = (error.diag.context or "").splitlines() if state else []
    at = next((line for line in lines if line.startswith("COPY ")), None)
    if at is None or isinstance(told, TransientStepError):
        return told
    return type(told)(f"{told.message} ({at})", hint=told.hint)

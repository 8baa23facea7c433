"""What an error of a database server means: whose fault it is and what to do about it."""

from dataclasses import dataclass
from typing import Final

from osiris.core.errors import (
    AuthenticationError,
    ConfigError,
    DataError,
    MissingRightError,
    StepError,
    SystemStepError,
    TlsError,
    TransientStepError,
    UnknownDatabaseError,
)

RETRY: Final = "the step can be tried again: set `retry` on it"
STATEMENT: Final = "correct the step's query, table or columns"
DATA: Final = "correct the query or the data"
_LOGIN: Final = "check user and password"


@dataclass(frozen=True)
class Meaning:
    """How an error is told: its class, one clause of what happened, and the hint."""

    error: type[StepError]
    what: str
    hint: str


def config(what: str, hint: str = STATEMENT) -> Meaning:
    """Mean that the step's configuration is wrong."""
    return Meaning(ConfigError, what, hint)


def login(what: str, hint: str = _LOGIN) -> Meaning:
    """Mean that the server does not accept who logs in."""
    return Meaning(AuthenticationError, what, hint)


def right(what: str, hint: str) -> Meaning:
    """Mean that the user lacks a right."""
    return Meaning(MissingRightError, what, hint)


def database(what: str, hint: str) -> Meaning:
    """Mean that the database is not there."""
    return Meaning(UnknownDatabaseError, what, hint)


def tls(what: str, hint: str) -> Meaning:
    """Mean that server and connection do not agree on TLS."""
    return Meaning(TlsError, what, hint)


def transient(what: str, hint: str = RETRY) -> Meaning:
    """Mean something that may pass."""
    return Meaning(TransientStepError, what, hint)


def data(what: str, hint: str = DATA) -> Meaning:
    """Mean that the data are wrong."""
    return Meaning(DataError, what, hint)


def system(what: str, hint: str) -> Meaning:
    """Mean that the server's machine or software failed."""
    return Meaning(SystemStepError, what, hint)

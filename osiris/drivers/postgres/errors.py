"""What a PostgreSQL error means: whose fault it is and what to do about it."""

from typing import Final

from osiris.core.errors import (
    DiskFullError,
    StepError,
    SystemStepError,
    TlsError,
    TransientStepError,
)
from osiris.drivers.relational import meaning

# By SQLSTATE, else by its class (the first two characters):
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_MEANINGS: Final[dict[str, meaning.Meaning]] = {
    "08": meaning.transient("the connection failed"),
    "0A000": meaning.config("the server does not support what the statement asks for"),
    "21": meaning.data("the query's data do not fit together"),
    "22": meaning.data("the query meets a value it cannot work with"),
    "22021": meaning.data("a text holds bytes that are no character", "correct the data"),
    "23": meaning.data("the data break a constraint of the table"),
    "23502": meaning.data("a column that must not be NULL got NULL"),
    "23503": meaning.data("a row points to one that is not there (foreign key)"),
    "23505": meaning.data("a row is there already (unique constraint)"),
    "23514": meaning.data("a row breaks a check of the table"),
    "25": meaning.config(
        "the state of the transaction forbids what the statement does",
        "write one query that only reads, and sets nothing",
    ),
    "25006": meaning.config(
        "the statement would change data; an extract reads only",
        "write a query that only reads; the transaction is READ ONLY on the server",
    ),
    "25P03": meaning.transient("the connection was idle in a transaction for too long"),
    "25P04": meaning.transient("the transaction took longer than transaction_timeout"),
    "28": meaning.login("the server refuses the login"),
    "28P01": meaning.login("the server refuses user and password"),
    "3D000": meaning.database("there is no such database", "check `database` in the connection"),
    "3F000": meaning.config(
        "there is no such schema", "check `schema`, or search_path in the query"
    ),
    "40": meaning.transient("the transaction was rolled back"),
    "40001": meaning.transient("the transaction met changes of others (serialization failure)"),
    "40P01": meaning.transient("the transaction was chosen to resolve a deadlock"),
    "42": meaning.config("the server refuses the statement"),
    "42501": meaning.right("the user lacks a right the step needs", "grant it to the user"),
    "42601": meaning.config("the server cannot parse the statement"),
    "42703": meaning.config("there is no such column"),
    "42704": meaning.config("there is no such thing (type, setting, role)"),
    "42883": meaning.config("there is no such function or operator"),
    "42P01": meaning.config(
        "there is no such table",
        "check the name; a dot in `table` is part of it: name the schema in `schema`",
    ),
    "42P02": meaning.config(
        "the query has parameters ($1), and no values for them",
        "write the values into the query: ${params.name}",
    ),
    "53": meaning.transient("the server lacks memory, connections or another resource"),
    "53100": meaning.Meaning(
        DiskFullError, "the server's disk is full", "free space on the database server"
    ),
    "53300": meaning.transient("the server has too many connections"),
    "54": meaning.config("the statement goes beyond a limit of the server"),
    "54011": meaning.config("a table has no room for so many columns", "name fewer columns"),
    "55": meaning.transient("something the statement needs is in use or not ready"),
    "55P03": meaning.transient("the statement waited too long for a lock"),
    "57": meaning.transient("the server was told to stop this"),
    "57014": meaning.transient("the statement was cancelled or took longer than statement_timeout"),
    "57P01": meaning.transient("the server is shutting down, or somebody ended the connection"),
    "57P03": meaning.transient("the server is starting or stopping"),
    "58": meaning.system("the server met an error of its machine", "look into the server's log"),
    "P0001": meaning.data("a function of the database raised an error"),
    "XX001": meaning.system("data on the server are damaged", "look into the server's log"),
    "XX002": meaning.system("an index on the server is damaged", "look into the server's log"),
}
_OTHER: Final = meaning.system("the server reports an error", "look into the server's log")

# What is meant when the server says it while somebody logs in.
_AT_LOGIN: Final[dict[str, meaning.Meaning]] = {
    "08P01": meaning.config(
        "the server, or a pooler before it, does not accept the connection",
        "check user and database; leave `options` out where a pooler does not allow them",
    ),
    "42501": meaning.right(
        "the user may not use this database", "grant the user CONNECT on the database"
    ),
    "42704": meaning.config("there is no such setting", "correct `options` in the connection"),
    "22": meaning.config(
        "a setting has a value it cannot have", "correct `options` in the connection"
    ),
    "XX000": meaning.login("a pooler before the server refuses the login"),
}
_UNENCRYPTED: Final = meaning.Meaning(
    TlsError, "the server accepts encrypted connections only", "set tls.mode: required"
)
# How the server ends the message about a rule in pg_hba.conf, by age.
_SAID_UNENCRYPTED: Final = ("no encryption", "SSL off")


def meaning_of(sqlstate: str) -> meaning.Meaning:
    """Return what an error of the server means outside of logging in."""
    return _MEANINGS.get(sqlstate) or _MEANINGS.get(sqlstate[:2], _OTHER)


def server_error(sqlstate: str, text: str, where: str, *, said: str | None = None) -> StepError:
    """Return the step's error for what the server says; `said` is its own hint."""
    return _told(meaning_of(sqlstate), sqlstate, text, where, said)


def login_error(sqlstate: str, text: str, where: str) -> StepError:
    """Return the step's error for what the server says to somebody who logs in."""
    means = _AT_LOGIN.get(sqlstate) or _AT_LOGIN.get(sqlstate[:2]) or meaning_of(sqlstate)
    if sqlstate == "28000" and text.endswith(_SAID_UNENCRYPTED):
        means = _UNENCRYPTED
    return _told(means, sqlstate, text, where, None)


def _told(
    means: meaning.Meaning, sqlstate: str, text: str, where: str, said: str | None
) -> StepError:
    message = f"{means.what}: {text} (SQLSTATE {sqlstate}, PostgreSQL at {where})"
    hint = f"{means.hint}; the server's hint: {said}" if said else means.hint
    return means.error(message, hint=hint)


def lost_connection(where: str, reason: str, *, rows: int | None = None) -> TransientStepError:
    """Return the error for a connection that ended before the work did."""
    after = "" if rows is None else f" after {rows} rows"
    return TransientStepError(
        f"lost the connection to PostgreSQL at {where}{after}: {reason}",
        hint=f"{meaning.RETRY}; the server's log says whether it stopped or was cut off",
    )


def out_of_step(where: str, what: str) -> SystemStepError:
    """Return the error for bytes that do not follow the protocol."""
    return SystemStepError(
        f"the server at {where} does not follow the PostgreSQL protocol: {what}",
        hint="check what stands between here and the server (a proxy?); this is not a retry case",
    )

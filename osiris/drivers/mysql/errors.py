"""What a MySQL error means: whose fault it is and what to do about it."""

import errno
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from osiris.core.errors import (
    AuthenticationError,
    ConfigError,
    ConnectTimeoutError,
    DataError,
    MissingRightError,
    StepError,
    SystemStepError,
    TlsError,
    TransientStepError,
    UnknownDatabaseError,
)

_RETRY: Final = "the step can be tried again: set `retry` on it"
_QUERY: Final = "correct the step's query, table or columns"


@dataclass(frozen=True)
class Meaning:
    """How an error is told: its class, one clause of what happened, and the hint."""

    error: type[StepError]
    what: str
    hint: str


def _config(what: str, hint: str) -> Meaning:
    return Meaning(ConfigError, what, hint)


def _login(what: str, hint: str) -> Meaning:
    return Meaning(AuthenticationError, what, hint)


def _database(what: str, hint: str) -> Meaning:
    return Meaning(UnknownDatabaseError, what, hint)


def _right(what: str, hint: str) -> Meaning:
    return Meaning(MissingRightError, what, hint)


def _tls(what: str, hint: str) -> Meaning:
    return Meaning(TlsError, what, hint)


def _transient(what: str, hint: str = _RETRY) -> Meaning:
    return Meaning(TransientStepError, what, hint)


def _data(what: str, hint: str) -> Meaning:
    return Meaning(DataError, what, hint)


def _system(what: str, hint: str) -> Meaning:
    return Meaning(SystemStepError, what, hint)


# Numbers: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html and
# https://mariadb.com/kb/en/mariadb-error-code-reference/ (from 1900 on they differ).
_SERVER: Final[dict[int, Meaning]] = {
    1021: _system("the server's disk is full", "free space on the database server"),
    1037: _transient("the server is out of memory"),
    1040: _transient("the server has too many connections"),
    1041: _transient("the server is out of memory"),
    1044: _right("the user may not use this database", "grant the user SELECT on the database"),
    1045: _login("the server refuses user and password", "check user and password"),
    1046: _config("no database is chosen", "set `database` in the connection"),
    1049: _database("there is no such database", "check `database` in the connection"),
    1047: _config(
        "the server or a proxy before it prepares no statements", "connect to the server itself"
    ),
    1053: _transient("the server is shutting down"),
    1054: _config("there is no such column", _QUERY),
    1064: _config("the server cannot parse the query", _QUERY),
    1104: _config("the query would read more rows than the server allows", "add a WHERE clause"),
    1129: _config(
        "the server has blocked this host after too many failed connections",
        "run FLUSH HOSTS on the server",
    ),
    1130: _login(
        "the server accepts no connection from this host", "create the user for this host"
    ),
    1142: _right("the user may not read this table", "grant the user SELECT on the table"),
    1143: _right("the user may not read this column", "grant the user SELECT on the column"),
    1146: _config(
        "there is no such table",
        "check the name; a dot in `table` is part of it: for another database write a query",
    ),
    1153: _config(
        "a packet is larger than the server allows", "raise max_allowed_packet on the server"
    ),
    1158: _transient("the server could not read from the connection"),
    1159: _transient("the server waited too long for the connection"),
    1160: _transient("the server could not write to the connection"),
    1161: _transient("the server waited too long to write to the connection"),
    1203: _transient("the user has too many connections"),
    1205: _transient("the query waited too long for a lock"),
    1213: _transient("the query was chosen to resolve a deadlock"),
    1226: _transient("the user has used up a limit of the account"),
    1227: _right("the user lacks a privilege the query needs", "grant it, or change the query"),
    1242: _data("a subquery returns more than one row", "correct the query or the data"),
    1251: _config(
        "the server asks for a way to log in that is not supported",
        "use caching_sha2_password, mysql_native_password or ed25519 for the user",
    ),
    1290: _config("an option of the server forbids the query", "change the query"),
    1295: _config("the server cannot prepare this statement", _QUERY),
    1300: _config("the query holds a character that cannot stand there", _QUERY),
    1301: _data("a result is larger than max_allowed_packet", "raise it on the server"),
    1317: _transient("the query was stopped on the server"),
    1370: _right("the user may not call this routine", "grant the user EXECUTE on it"),
    1461: _transient("the server has too many prepared statements"),
    1690: _data("a value is out of range in an expression", "correct the query or the data"),
    1698: _login("the server refuses this user", "check the user's way to log in"),
    1792: _config(
        "the query would change data; an extract reads only",
        "write a query that only reads; the session is READ ONLY on the server",
    ),
    1820: _login("the password must be changed first", "set a new password for the user"),
    1862: _login("the password has expired", "set a new password for the user"),
    1927: _transient("the connection was killed on the server"),
    1969: _transient("the query took longer than max_statement_time"),
    3024: _transient("the query took longer than max_execution_time"),
    3118: _login("the account is locked", "unlock the account"),
    3159: _tls("the server accepts encrypted connections only", "set tls.mode: required"),
    4031: _transient("the server closed the connection after wait_timeout"),
}

# Classes of SQLSTATE (ISO/IEC 9075-2, table 38) for the numbers that are not in the table.
_CLASSES: Final[dict[str, Meaning]] = {
    "08": _transient("the connection failed"),
    "21": _data("the query's data do not fit together", "correct the query or the data"),
    "22": _data("the query meets a value it cannot work with", "correct the query or the data"),
    "23": _data("the query breaks a constraint", "correct the query or the data"),
    "28": _login("the server refuses the login", "check user and password"),
    "40": _transient("the transaction was rolled back"),
    "42": _config("the server refuses the query", _QUERY),
    "70": _transient("the query was stopped on the server"),
}
_OTHER: Final = _system("the server reports an error", "look into the server's error log")


def server_error(number: int, sqlstate: str, text: str, where: str) -> StepError:
    """Return the step's error for an error packet of the server at `where`."""
    meaning = _SERVER.get(number) or _CLASSES.get(sqlstate[:2], _OTHER)
    message = f"{meaning.what}: {text} (MySQL error {number} at {where})"
    return meaning.error(message, hint=meaning.hint)


def lost_connection(where: str, rows: int | None, reason: str) -> TransientStepError:
    """Return the error for a connection that ended before the result, or the writing, did."""
    when = "while writing" if rows is None else f"after {rows} rows"
    return TransientStepError(
        f"lost the connection to MySQL at {where} {when}: {reason}",
        hint=f"{_RETRY}; the server's error log says whether it stopped or was cut off",
    )


def out_of_step(where: str, what: str) -> SystemStepError:
    """Return the error for bytes that do not follow the protocol."""
    return SystemStepError(
        f"the server at {where} does not follow the MySQL protocol: {what}",
        hint="check what stands between here and the server (a proxy?); this is not a retry case",
    )


def connect_failure(error: OSError, where: str, seconds: float) -> StepError:
    """Return the step's error for a connection that could not be opened."""
    if isinstance(error, socket.gaierror):
        return _unknown_host(error, where)
    if isinstance(error, ssl.SSLError):
        return tls_failure(error, where)
    if isinstance(error, TimeoutError):
        return ConnectTimeoutError(
            f"MySQL at {where} did not answer within {seconds:g} s",
            hint="check host, port and firewall; connect_timeout sets how long to wait",
        )
    if isinstance(error, ConnectionRefusedError):
        return TransientStepError(
            f"nothing listens at {where} (connection refused)",
            hint="check host and port, and that the server runs",
        )
    if error.errno in {errno.ENOENT, errno.EACCES, errno.ENOTSOCK, errno.ENOTDIR}:
        return ConfigError(
            f"cannot open {where}: {error.strerror}",
            hint="check `socket` in the connection, and that the server runs on this machine",
        )
    return TransientStepError(
        f"cannot connect to MySQL at {where}: {error.strerror or error}",
        hint="check host, port and the network between",
    )


def _unknown_host(error: socket.gaierror, where: str) -> StepError:
    if error.errno == socket.EAI_AGAIN:
        return TransientStepError(
            f"the name service does not answer for the host of {where}",
            hint="check the network and its name servers",
        )
    return ConfigError(f"there is no host {where}: {error.strerror}", hint="check `host`")


def tls_failure(error: ssl.SSLError, where: str) -> TlsError:
    """Return the error for a TLS handshake that failed, with the reason OpenSSL gives."""
    reason = error.reason or str(error)
    hint = "check the connection's `tls`, and which TLS versions the server offers"
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or reason
        hint = "check tls.ca, and that the server's certificate is for this host and still valid"
    return TlsError(f"TLS with MySQL at {where} failed: {reason}", hint=hint)

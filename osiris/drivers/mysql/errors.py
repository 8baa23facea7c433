"""What a MySQL error means: whose fault it is and what to do about it."""

import errno
import socket
import ssl
from typing import Final

from osiris.core.errors import (
    ConfigError,
    ConnectTimeoutError,
    StepError,
    SystemStepError,
    TlsError,
    TransientStepError,
)
from osiris.drivers.relational import meaning

# Numbers: https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html and
# https://mariadb.com/kb/en/mariadb-error-code-reference/ (from 1900 on they differ).
_SERVER: Final[dict[int, meaning.Meaning]] = {
    1021: meaning.system("the server's disk is full", "free space on the database server"),
    1037: meaning.transient("the server is out of memory"),
    1040: meaning.transient("the server has too many connections"),
    1041: meaning.transient("the server is out of memory"),
    1044: meaning.right(
        "the user may not use this database", "grant the user SELECT on the database"
    ),
    1045: meaning.login("the server refuses user and password", "check user and password"),
    1046: meaning.config("no database is chosen", "set `database` in the connection"),
    1049: meaning.database("there is no such database", "check `database` in the connection"),
    1047: meaning.config(
        "the server or a proxy before it prepares no statements", "connect to the server itself"
    ),
    1053: meaning.transient("the server is shutting down"),
    1054: meaning.config("there is no such column"),
    1064: meaning.config("the server cannot parse the query"),
    1104: meaning.config(
        "the query would read more rows than the server allows", "add a WHERE clause"
    ),
    1129: meaning.config(
        "the server has blocked this host after too many failed connections",
        "run FLUSH HOSTS on the server",
    ),
    1130: meaning.login(
        "the server accepts no connection from this host", "create the user for this host"
    ),
    1142: meaning.right("the user may not read this table", "grant the user SELECT on the table"),
    1143: meaning.right("the user may not read this column", "grant the user SELECT on the column"),
    1146: meaning.config(
        "there is no such table",
        "check the name; a dot in `table` is part of it: for another database write a query",
    ),
    1153: meaning.config(
        "a packet is larger than the server allows", "raise max_allowed_packet on the server"
    ),
    1158: meaning.transient("the server could not read from the connection"),
    1159: meaning.transient("the server waited too long for the connection"),
    1160: meaning.transient("the server could not write to the connection"),
    1161: meaning.transient("the server waited too long to write to the connection"),
    1203: meaning.transient("the user has too many connections"),
    1205: meaning.transient("the query waited too long for a lock"),
    1213: meaning.transient("the query was chosen to resolve a deadlock"),
    1226: meaning.transient("the user has used up a limit of the account"),
    1227: meaning.right(
        "the user lacks a privilege the query needs", "grant it, or change the query"
    ),
    1242: meaning.data("a subquery returns more than one row", "correct the query or the data"),
    1251: meaning.config(
        "the server asks for a way to log in that is not supported",
        "use caching_sha2_password, mysql_native_password or ed25519 for the user",
    ),
    1290: meaning.config("an option of the server forbids the query", "change the query"),
    1295: meaning.config("the server cannot prepare this statement"),
    1300: meaning.config("the query holds a character that cannot stand there"),
    1301: meaning.data("a result is larger than max_allowed_packet", "raise it on the server"),
    1317: meaning.transient("the query was stopped on the server"),
    1370: meaning.right("the user may not call this routine", "grant the user EXECUTE on it"),
    1461: meaning.transient("the server has too many prepared statements"),
    1690: meaning.data("a value is out of range in an expression", "correct the query or the data"),
    1698: meaning.login("the server refuses this user", "check the user's way to log in"),
    1792: meaning.config(
        "the query would change data; an extract reads only",
        "write a query that only reads; the session is READ ONLY on the server",
    ),
    1820: meaning.login("the password must be changed first", "set a new password for the user"),
    1862: meaning.login("the password has expired", "set a new password for the user"),
    1927: meaning.transient("the connection was killed on the server"),
    1969: meaning.transient("the query took longer than max_statement_time"),
    3024: meaning.transient("the query took longer than max_execution_time"),
    3118: meaning.login("the account is locked", "unlock the account"),
    3159: meaning.tls("the server accepts encrypted connections only", "set tls.mode: required"),
    4031: meaning.transient("the server closed the connection after wait_timeout"),
}

# Classes of SQLSTATE (ISO/IEC 9075-2, table 38) for the numbers that are not in the table.
_CLASSES: Final[dict[str, meaning.Meaning]] = {
    "08": meaning.transient("the connection failed"),
    "21": meaning.data("the query's data do not fit together", "correct the query or the data"),
    "22": meaning.data(
        "the query meets a value it cannot work with", "correct the query or the data"
    ),
    "23": meaning.data("the query breaks a constraint", "correct the query or the data"),
    "28": meaning.login("the server refuses the login", "check user and password"),
    "40": meaning.transient("the transaction was rolled back"),
    "42": meaning.config("the server refuses the query"),
    "70": meaning.transient("the query was stopped on the server"),
}
_OTHER: Final = meaning.system("the server reports an error", "look into the server's error log")


def server_error(number: int, sqlstate: str, text: str, where: str) -> StepError:
    """Return the step's error for an error packet of the server at `where`."""
    means = _SERVER.get(number) or _CLASSES.get(sqlstate[:2], _OTHER)
    message = f"{means.what}: {text} (MySQL error {number} at {where})"
    return means.error(message, hint=means.hint)


def lost_connection(where: str, rows: int | None, reason: str) -> TransientStepError:
    """Return the error for a connection that ended before the result, or the writing, did."""
    when = "while writing" if rows is None else f"after {rows} rows"
    return TransientStepError(
        f"lost the connection to MySQL at {where} {when}: {reason}",
        hint=f"{meaning.RETRY}; the server's error log says whether it stopped or was cut off",
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

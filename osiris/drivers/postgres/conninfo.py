"""A connection's settings as libpq takes them, so that nothing of the machine changes them.

Parameters: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS. What is
left out there comes from PG… variables and from files below the home directory, which a sandbox
does not have: so whatever decides where and how is connected is said here.
"""

import ssl
from pathlib import Path
from typing import Final

from osiris.components.postgres_connection import PostgresConnection, Setting
from osiris.components.tls import Tls
from osiris.core.errors import ConfigError

_TLS_MODES: Final = {
    "disabled": "disable",
    "preferred": "prefer",
    "required": "require",
    "verify_ca": "verify-ca",
    "verify_identity": "verify-full",
}
_NO_FILE: Final = "/dev/null/none"
"""A file that cannot exist: libpq then does without."""

# Where systems keep the authorities they trust, in one file.
_SYSTEM_AUTHORITIES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
# Seconds: probe a silent connection after a minute, give it up two minutes later.
_KEEPALIVE: Final = {"keepalives_idle": "60", "keepalives_interval": "20", "keepalives_count": "6"}


def parameters(settings: PostgresConnection, base_dir: Path) -> dict[str, str]:
    """Return libpq's parameters; files of `settings.tls` are relative to `base_dir`.

    Raises `ConfigError` for a file that is not there.
    """
    password = settings.password.get_secret_value() if settings.password else ""
    return {
        "host": settings.socket or settings.host,
        "hostaddr": "",
        "port": str(settings.port),
        "dbname": settings.database,
        "user": settings.user,
        "password": password,
        "passfile": _NO_FILE,
        "options": options_text(settings),
        "application_name": "osiris",
        "client_encoding": "UTF8",
        "gssencmode": "disable",
        "target_session_attrs": "any",
        **_KEEPALIVE,
        **_tls(settings.tls, base_dir),
    }


def options_text(settings: PostgresConnection) -> str:
    """Return settings of the server as the start-up message has them."""
    return " ".join(f"-c {name}={_escaped(value)}" for name, value in settings.options.items())


def _escaped(value: Setting) -> str:
    text = ("on" if value else "off") if isinstance(value, bool) else str(value)
    return "".join(
        "\\" + letter if letter.isspace() or letter == "\\" else letter for letter in text
    )


def _tls(tls: Tls, base_dir: Path) -> dict[str, str]:
    told = {"sslmode": _TLS_MODES[tls.mode], "sslrootcert": _NO_FILE, "sslcertmode": "disable"}
    if tls.mode in {"verify_ca", "verify_identity"}:
        told["sslrootcert"] = _readable("ca", tls.ca, base_dir) if tls.ca else _authorities()
    if tls.cert:
        told["sslcertmode"] = "allow"
        told["sslcert"] = _readable("cert", tls.cert, base_dir)
        told["sslkey"] = _readable("key", tls.key or tls.cert, base_dir)
    return told


def _readable(option: str, path: str, base_dir: Path) -> str:
    """Return where a file lies that can be read; an error names it as the connection does."""
    try:
        (base_dir / path).open("rb").close()
    except OSError as error:
        raise ConfigError(
            f"cannot use tls.{option} ({path}): {error.strerror}",
            hint="name a readable PEM file; a private key must not be encrypted",
        ) from error
    return str(base_dir / path)


def _authorities() -> str:
    chosen = ssl.get_default_verify_paths().cafile  # SSL_CERT_FILE, or OpenSSL's own
    for path in (chosen, *_SYSTEM_AUTHORITIES):
        if path and Path(path).is_file():
            return path
    raise ConfigError(
        "there is no file of certificate authorities on this machine",
        hint="set tls.ca to the authority that signed the server's certificate",
    )

"""The TLS settings of a connection as an `ssl.SSLContext`."""

import ssl
from pathlib import Path

from osiris.components.tls import Tls
from osiris.core.errors import ConfigError


def tls_context(tls: Tls, base_dir: Path) -> ssl.SSLContext | None:
    """Return the context to wrap the socket with, or None when TLS is disabled.

    Paths are relative to `base_dir`. Raises `ConfigError` for a file that cannot be used.
    """
    if tls.mode == "disabled":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = tls.mode == "verify_identity"
    if tls.mode in {"verify_ca", "verify_identity"}:
        _trust(context, tls, base_dir)
    else:
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        _identify(context, tls, base_dir)
    return context


def _trust(context: ssl.SSLContext, tls: Tls, base_dir: Path) -> None:
    if tls.ca is None:
        context.load_default_certs()
        return
    try:
        context.load_verify_locations(base_dir / tls.ca)
    except OSError as error:  # ssl.SSLError is one
        raise _unusable("ca", tls.ca, error) from error


def _identify(context: ssl.SSLContext, tls: Tls, base_dir: Path) -> None:
    cert, key = str(tls.cert), tls.key
    try:
        # Without a password function OpenSSL would ask for one on the terminal.
        context.load_cert_chain(base_dir / cert, base_dir / key if key else None, lambda: "")
    except OSError as error:
        raise _unusable("cert" if key is None else "cert and tls.key", cert, error) from error


def _unusable(option: str, path: str, error: OSError) -> ConfigError:
    reason = (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or str(error)
    return ConfigError(
        f"cannot use tls.{option} ({path}): {reason}",
        hint="name a readable PEM file; a private key must not be encrypted",
    )

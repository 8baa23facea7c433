"""The TLS settings of a connection as an `ssl.SSLContext`."""

import ssl
from pathlib import Path

from osiris.components.postgres_connection import PostgresTls
from osiris.core.errors import ConfigError


def tls_context(tls: PostgresTls, base_dir: Path) -> ssl.SSLContext | None:
    """Return the context to wrap the socket with, or None when TLS is disabled.

    Paths are relative to `base_dir`. Raises `ConfigError` for a file that cannot be used.
    """
    if tls.mode == "disabled":
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    verify = tls.mode in {"verify_ca", "verify_identity"}
    context.check_hostname = tls.mode == "verify_identity"
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    option = "ca"
    try:
        if verify and tls.ca is None:
            context.load_default_certs()
        elif tls.ca is not None:
            context.load_verify_locations(base_dir / tls.ca)
        if tls.cert and tls.key:
            option = "cert and tls.key"
            # Without a password function OpenSSL would ask for one on the terminal.
            context.load_cert_chain(base_dir / tls.cert, base_dir / tls.key, lambda: "")
    except OSError as error:  # ssl.SSLError is one
        path = tls.ca if option == "ca" else f"{tls.cert}, {tls.key}"
        reason = (error.reason if isinstance(error, ssl.SSLError) else error.strerror) or str(error)
        raise ConfigError(
            f"cannot use tls.{option} ({path}): {reason}",
            hint="name a readable PEM file; a private key must not be encrypted",
        ) from error
    return context

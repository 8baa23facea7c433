"""Proving that one knows the password: SCRAM-SHA-256 (RFC 5802, RFC 7677) and MD5."""

import base64
import hashlib
import hmac
import secrets
import stringprep
import unicodedata
from typing import Final

MECHANISM: Final = "SCRAM-SHA-256"
_NO_BINDING: Final = "n,,"
_PROHIBITED: Final = (
    stringprep.in_table_a1,
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class ScramError(Exception):
    """The server does not follow SCRAM, or does not know the password itself."""


class ScramClient:
    """One exchange: `first`, then `final` with the server's answer, then `check` its proof."""

    def __init__(self, password: str) -> None:
        self._password = prepared(password)
        self._nonce = base64.b64encode(secrets.token_bytes(18)).decode()
        self._bare = f"n=,r={self._nonce}"  # PostgreSQL takes the user from the start-up message
        self._proof_of_server = b""

    def first(self) -> bytes:
        """Return the first message of the client."""
        return f"{_NO_BINDING}{self._bare}".encode()

    def final(self, challenge: bytes) -> bytes:
        """Return the proof for the server's first message."""
        try:
            fields = dict(field.split("=", 1) for field in challenge.decode("ascii").split(","))
            nonce, rounds = fields["r"], int(fields["i"])
            salt = base64.b64decode(fields["s"], validate=True)
        except (KeyError, ValueError) as error:
            raise ScramError("its challenge is not one of SCRAM") from error
        if not nonce.startswith(self._nonce) or len(nonce) == len(self._nonce) or rounds < 1:
            raise ScramError("its challenge is not for this log-in")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, salt, rounds)
        binding = base64.b64encode(_NO_BINDING.encode()).decode()
        without_proof = f"c={binding},r={nonce}"
        signed = ",".join((self._bare, challenge.decode("ascii"), without_proof)).encode()
        key = _keyed(salted, b"Client Key")
        signature = _keyed(hashlib.sha256(key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        self._proof_of_server = _keyed(_keyed(salted, b"Server Key"), signed)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def check(self, answer: bytes) -> None:
        """Raise `ScramError` unless the server has proved that it knows the password too."""
        expected = b"v=" + base64.b64encode(self._proof_of_server)
        if not self._proof_of_server or not hmac.compare_digest(answer, expected):
            raise ScramError("it cannot prove that it knows the password")


def md5_answer(user: str, password: str, salt: bytes) -> bytes:
    """Return what the old way to log in wants: md5(md5(password + user) + salt)."""
    inner = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()
    outer = hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest()
    return b"md5" + outer.encode()


def prepared(password: str) -> bytes:
    """Return a password after SASLprep (RFC 4013), or as it is where that does not allow it."""
    spaced = "".join(" " if stringprep.in_table_c12(letter) else letter for letter in password)
    mapped = "".join(letter for letter in spaced if not stringprep.in_table_b1(letter))
    normal = unicodedata.normalize("NFKC", mapped)
    bad = any(table(letter) for letter in normal for table in _PROHIBITED)
    return (password if bad or not normal else normal).encode()


def _keyed(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")

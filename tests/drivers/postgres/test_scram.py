"""SCRAM-SHA-256: the example of RFC 7677, and servers that are not to be trusted."""

import base64
import hashlib

import pytest

from osiris.drivers.postgres.wire.scram import ScramClient, ScramError, md5_answer

# RFC 7677, section 3, with the user name that PostgreSQL leaves out of it.
NONCE = "rOprNGfwEbeRWgbNEkqO"
CHALLENGE = f"r={NONCE}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
PROOF = "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
SIGNATURE = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def _client() -> ScramClient:
    client = ScramClient("pencil")
    client._nonce, client._bare = NONCE, f"n=user,r={NONCE}"
    return client


def test_the_example_of_the_rfc() -> None:
    client = _client()
    assert client.final(CHALLENGE.encode()).decode().endswith(f",p={PROOF}")
    client.check(f"v={SIGNATURE}".encode())


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "r=,s=,i=",
        CHALLENGE.replace(NONCE, "other"),
        CHALLENGE.partition("%")[0] + ",s=W22Z,i=1",
        CHALLENGE.replace("4096", "0"),
        CHALLENGE.replace("4096", "many"),
        CHALLENGE.replace("W22Z", "*"),
        "é",
    ],
)
def test_a_challenge_that_is_none(challenge: str) -> None:
    with pytest.raises(ScramError):
        _client().final(challenge.encode())


def test_a_server_that_does_not_know_the_password() -> None:
    client = _client()
    with pytest.raises(ScramError, match="cannot prove"):
        client.check(b"v=")  # before it was asked anything
    client.final(CHALLENGE.encode())
    for answer in (b"v=" + base64.b64encode(bytes(32)), b"e=other-error", b""):
        with pytest.raises(ScramError, match="cannot prove"):
            client.check(answer)


def test_no_two_log_ins_are_alike() -> None:
    assert ScramClient("x").first() != ScramClient("x").first()


def test_md5() -> None:
    inner = hashlib.md5(b"secretme", usedforsecurity=False).hexdigest().encode()
    outer = hashlib.md5(inner + b"salt", usedforsecurity=False).hexdigest().encode()
    assert md5_answer("me", "secret", b"salt") == b"md5" + outer

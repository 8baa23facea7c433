"""Requests are signed as the examples of Amazon's documentation are."""

from datetime import UTC, datetime

import pytest

from osiris.core.s3.signature import Credentials, query_string, quoted, signed_headers

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOW = datetime(2013, 5, 24, tzinfo=UTC)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def signed(
    path: str, query: str, headers: dict[str, str], method: str = "GET", sha256: str = EMPTY
) -> dict[str, str]:
    return signed_headers(
        KEYS,
        method=method,
        path=path,
        query=query,
        headers={"host": "examplebucket.s3.amazonaws.com", **headers},
        payload_sha256=sha256,
        region="us-east-1",
        now=NOW,
    )


@pytest.mark.parametrize(
    "path, query, headers, signature",
    [
        (
            "/test.txt",
            {},
            {"range": "bytes=0-9"},
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "/",
            {"lifecycle": ""},
            {},
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "/",
            {"prefix": "J", "max-keys": "2"},
            {},
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)
def test_a_documented_request(
    path: str, query: dict[str, str], headers: dict[str, str], signature: str
) -> None:
    sent = signed(path, query_string(query), headers)
    assert sent["authorization"].endswith(f"Signature={signature}")


def test_a_documented_upload() -> None:
    sent = signed(
        quoted("/test$file.text", safe="/"),
        "",
        {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
        method="PUT",
        sha256="44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    )
    assert sent["authorization"].endswith(
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    )


def test_without_keys_nothing_is_signed() -> None:
    sent = signed_headers(
        None,
        method="GET",
        path="/",
        query="",
        headers={"host": "h"},
        payload_sha256=EMPTY,
        region="x",
    )
    assert "authorization" not in sent


def test_a_token_is_signed() -> None:
    keys = Credentials("a", "b", "the token")
    sent = signed_headers(
        keys,
        method="GET",
        path="/",
        query="",
        headers={"host": "h"},
        payload_sha256=EMPTY,
        region="x",
    )
    assert sent["x-amz-security-token"] == "the token"
    assert "x-amz-security-token" in sent["authorization"]

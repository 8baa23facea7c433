"""Where a bucket's requests go, and which connections to one cannot be."""

from typing import Any

import pytest
from pydantic import ValidationError

from osiris.components.s3_connection import S3Connection


@pytest.mark.parametrize(
    "fields, address, virtual",
    [
        ({}, ("https", "lake.s3.us-east-1.amazonaws.com", 443), True),
        (
            {"region": "eu-west-1", "addressing": "path"},
            ("https", "s3.eu-west-1.amazonaws.com", 443),
            False,
        ),
        ({"bucket": "a.b"}, ("https", "s3.us-east-1.amazonaws.com", 443), False),
        ({"endpoint": "http://minio:9000"}, ("http", "minio", 9000), False),
        ({"endpoint": "https://r2.example/"}, ("https", "r2.example", 443), False),
        (
            {"endpoint": "https://r2.example", "addressing": "virtual"},
            ("https", "lake.r2.example", 443),
            True,
        ),
        ({"endpoint": "http://[::1]:9000"}, ("http", "::1", 9000), False),
    ],
    ids=str,
)
def test_the_address(
    fields: dict[str, Any], address: tuple[str, str, int], *, virtual: bool
) -> None:
    connection = S3Connection.model_validate({"bucket": "lake", **fields})
    assert connection.address == address
    assert connection.virtual is virtual
    assert connection.hosts() == (address[1:],)


@pytest.mark.parametrize(
    "prefix, path, key",
    [
        ("", "a/b.csv", "a/b.csv"),
        ("lake", "/a.csv", "lake/a.csv"),
        ("/lake/raw/", "a.csv", "lake/raw/a.csv"),
    ],
)
def test_the_key_of_a_path(prefix: str, path: str, key: str) -> None:
    connection = S3Connection(bucket="lake", prefix=prefix)
    assert connection.key(path) == key
    assert connection.url(key) == f"s3://lake/{key}"


@pytest.mark.parametrize(
    "fields",
    [
        {"bucket": "a/b"},
        {"bucket": ""},
        {"region": "eu west"},
        {"endpoint": "minio:9000"},
        {"endpoint": "ftp://x"},
        {"endpoint": "https://user:word@x"},
        {"endpoint": "https://x/path"},
        {"endpoint": "https://x?query"},
        {"access_key": "a"},
        {"secret_key": "a"},
        {"session_token": "a"},
        {"max_attempts": 0},
    ],
    ids=str,
)
def test_a_connection_that_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        S3Connection.model_validate({"bucket": "lake", **fields})


def test_keys_are_not_shown() -> None:
    connection = S3Connection.model_validate(
        {"bucket": "lake", "access_key": "id-1", "secret_key": "secret-1", "session_token": "tok-1"}
    )
    shown = f"{connection!r} {connection} {connection.model_dump_json()}"
    assert not [word for word in ("id-1", "secret-1", "tok-1") if word in shown]

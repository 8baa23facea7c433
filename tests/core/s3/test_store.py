"""The client against a real server that checks signatures, and a proxy that does what nets do."""

import hashlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osiris.components.s3_connection import S3Connection
from osiris.core.cancel import CancelToken
from osiris.core.errors import (
    AuthenticationError,
    CancelledError,
    ConfigError,
    CorruptDataError,
    DataError,
    StepError,
    TlsError,
    TransientStepError,
)
from osiris.core.s3.client import S3Client
from osiris.core.s3.store import S3Store, pattern
from tests.support.certificates import make_certificates
from tests.support.s3 import BUCKET, Fault, Mischief, S3Server, misbehaving

PART = 5 * 1024 * 1024
LARGE = b"0123456789abcdef" * (PART // 16 + 1000)


def store(
    server: S3Server, root: Path, cancelled: CancelToken | None = None, **changes: Any
) -> S3Store:
    connection = S3Connection.model_validate(server.options(**changes))
    client = S3Client(connection, root, cancelled or CancelToken(), first_pause=0.01)
    return S3Store(client, page=2, part_bytes=PART)


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[Mischief]:
    with misbehaving(s3) as mischief:
        yield mischief


def through(proxy: Mischief, **changes: Any) -> dict[str, Any]:
    return {"endpoint": f"http://127.0.0.1:{proxy.port}", **changes}


def put(server: S3Server, key: str, data: bytes) -> None:
    server.client().put_object(Bucket=BUCKET, Key=key, Body=data)


def got(server: S3Server, key: str) -> bytes:
    data: bytes = server.client().get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return data


def there(server: S3Server, prefix: str) -> list[str]:
    listed = server.client().list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for item in listed.get("Contents", [])]


def unfinished(server: S3Server, key: str) -> list[Any]:
    uploads = server.client().list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return [upload for upload in uploads if upload["Key"] == key]


def file_of(root: Path, data: bytes) -> tuple[Path, str]:
    path = root / "made"
    path.write_bytes(data)
    return path, hashlib.sha256(data).hexdigest()


# --- what works ---


@pytest.mark.parametrize("data", [b"", b"id\n1\n", LARGE], ids=["empty", "small", "parts"])
@pytest.mark.parametrize("key", ["put/plain.csv", "put/a b+ž%20=&?#.csv"])
def test_what_is_put_is_there_and_comes_back(
    s3: S3Server, tmp_path: Path, key: str, data: bytes
) -> None:
    bucket = store(s3, tmp_path)
    bucket.put(key, *file_of(tmp_path, data))
    assert got(s3, key) == data
    assert unfinished(s3, key) == []
    bucket.fetch(key, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data


def test_keys_are_found_by_pattern_page_by_page(s3: S3Server, tmp_path: Path) -> None:
    keys = [f"find/2024/{name}" for name in ("b.csv", "a.csv", "c.csv", "deep/d.csv", "[e].csv")]
    for key in [*keys, "find/2024/", "find/2025/f.csv"]:
        put(s3, key, b"")
    bucket = store(s3, tmp_path, prefix="/find/")
    assert bucket.find("2024/*.csv") == [f"find/2024/{n}.csv" for n in ("[e]", "a", "b", "c")]
    assert bucket.find("20*/?.csv")[-1] == "find/2025/f.csv"
    assert bucket.find("2024/[ab].csv") == ["find/2024/a.csv", "find/2024/b.csv"]
    assert bucket.find("2024/[!ab].csv") == ["find/2024/c.csv"]
    assert len(bucket.find("**/*.csv")) == 6
    assert bucket.find("not/looked/up") == ["find/not/looked/up"]
    with pytest.raises(ConfigError, match=r"no object matches s3://the-bucket/find/\*\.none"):
        bucket.find("*.none")


@pytest.mark.parametrize(
    "written, key, matches",
    [
        ("a/*.csv", "a/b/c.csv", False),
        ("a/**/c.csv", "a/c.csv", True),
        ("a/**/c.csv", "a/x/y/c.csv", True),
        ("a/**", "a/x/y", True),
        ("a.csv?", "axcsv1", False),
        ("[a-c]x", "bx", True),
        ("[a-c]x", "-x", False),
    ],
)
def test_a_pattern(written: str, key: str, *, matches: bool) -> None:
    assert bool(pattern(written).fullmatch(key)) is matches


# --- what is refused ---

WRONG: dict[str, tuple[dict[str, Any], type[StepError], str]] = {
    "key": ({"access_key": "AKIA"}, AuthenticationError, "InvalidAccessKeyId"),
    "secret": ({"secret_key": "wrong"}, AuthenticationError, "SignatureDoesNotMatch"),
    "bucket": ({"bucket": "none-such"}, ConfigError, "NoSuchBucket"),
    "nobody": ({"access_key": None, "secret_key": None}, StepError, "cannot be read"),
    "object": ({}, ConfigError, "s3://the-bucket/none cannot be read: .*NoSuchKey"),
    "TLS": ({"endpoint": "https://127.0.0.1:{port}"}, TlsError, "no encryption"),
    "refused": ({"endpoint": "http://127.0.0.1:1"}, TransientStepError, "Connection refused"),
    "name": ({"endpoint": "http://none.invalid"}, TransientStepError, "cannot be resolved"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told(s3: S3Server, tmp_path: Path, name: str) -> None:
    changes, error, told = WRONG[name]
    if "endpoint" in changes:
        changes = {"endpoint": changes["endpoint"].format(port=s3.port), "max_attempts": 1}
    bucket = store(s3, tmp_path, **changes)
    with pytest.raises(error, match=told) as caught:
        bucket.fetch("none", tmp_path / "back")
    assert s3.secret_key not in f"{caught.value} {caught.value.hint}"
    assert list(tmp_path.iterdir()) == []
    if name not in {"object", "nobody"}:
        with pytest.raises(error, match=told):
            bucket.put("none", *file_of(tmp_path, b"x"))
        assert there(s3, "none") == []


def test_tls_with_an_authority_of_ones_own(s3: S3Server, tmp_path: Path) -> None:
    put(s3, "tls", b"over TLS")
    certificates = make_certificates(tmp_path)
    with misbehaving(s3, certificates) as proxy:
        at: dict[str, Any] = {"endpoint": f"https://127.0.0.1:{proxy.port}"}
        store(s3, tmp_path, **at, ca="ca.pem").fetch("tls", tmp_path / "back")
        with pytest.raises(TlsError, match="the certificate cannot be trusted"):
            store(s3, tmp_path, **at).check()
    assert (tmp_path / "back").read_bytes() == b"over TLS"
    with pytest.raises(ConfigError, match="cannot read"):
        store(s3, tmp_path, **at, ca="none.pem").check()


# --- what nets and busy servers do ---


@pytest.mark.parametrize("kind", ["slow_down", "reset", "cut", "lost"])
def test_reading_goes_on(s3: S3Server, tmp_path: Path, proxy: Mischief, kind: str) -> None:
    put(s3, f"read/{kind}", LARGE)
    proxy.faults = [Fault(kind, "GET", times=3)]
    store(s3, tmp_path, **through(proxy)).fetch(f"read/{kind}", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == LARGE
    spans = [span for _, _, span in proxy.seen]
    assert len(spans) == 4
    assert spans[0] == ""
    assert bool(spans[1]) is (kind == "cut")  # what has come is not asked for again


def test_an_object_that_changes_meanwhile(s3: S3Server, tmp_path: Path, proxy: Mischief) -> None:
    put(s3, "changes", LARGE)
    proxy.faults = [Fault("cut", "GET")]
    bucket = store(s3, tmp_path, **through(proxy))
    proxy.before = lambda _, span: put(s3, "changes", LARGE[::-1]) if span else None
    with pytest.raises(DataError, match="s3://the-bucket/changes cannot be read: it changed"):
        bucket.fetch("changes", tmp_path / "back")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["slow_down", "reset", "lost"])
@pytest.mark.parametrize("target", ["uploads", "partNumber=2", "uploadId"])
def test_writing_goes_on(
    s3: S3Server, tmp_path: Path, proxy: Mischief, target: str, kind: str
) -> None:
    key = f"write/{kind}/{target}"
    method = "POST" if target == "uploadId" else ""
    proxy.faults = [Fault(kind, method, target, times=2)]
    store(s3, tmp_path, **through(proxy)).put(key, *file_of(tmp_path, LARGE))
    assert got(s3, key) == LARGE
    assert proxy.faults == []


def test_a_server_that_stays_busy(s3: S3Server, tmp_path: Path, proxy: Mischief) -> None:
    proxy.faults = [Fault("slow_down", "PUT", "partNumber=2", times=99)]
    bucket = store(s3, tmp_path, **through(proxy, max_attempts=3))
    with pytest.raises(TransientStepError, match=r"cannot be written: Wait\. \(SlowDown\)"):
        bucket.put("busy", *file_of(tmp_path, LARGE))
    assert [m for m, target, _ in proxy.seen if "partNumber=2" in target] == ["PUT"] * 3
    assert there(s3, "busy") == []
    assert unfinished(s3, "busy") == []


def test_a_file_that_is_not_what_was_made(s3: S3Server, tmp_path: Path) -> None:
    bucket = store(s3, tmp_path)
    for data in (b"x", LARGE):
        path, _ = file_of(tmp_path, data)
        with pytest.raises(CorruptDataError, match="is not what the step wrote"):
            bucket.put("corrupt", path, "0" * 64)
    assert there(s3, "corrupt") == []
    assert unfinished(s3, "corrupt") == []


def test_a_cancelled_upload_is_taken_back(s3: S3Server, tmp_path: Path, proxy: Mischief) -> None:
    cancelled = CancelToken()

    def stop(target: str, _: str) -> None:
        if "partNumber=2" in target:
            cancelled.cancel(CancelledError("stop"))

    proxy.before = stop
    with pytest.raises(CancelledError):
        store(s3, tmp_path, cancelled, **through(proxy)).put("off", *file_of(tmp_path, LARGE))
    assert there(s3, "off") == []
    assert unfinished(s3, "off") == []


def test_waiting_for_a_silent_server_can_be_stopped(tmp_path: Path, s3: S3Server) -> None:
    cancelled = CancelToken()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        bucket = store(s3, tmp_path, cancelled, endpoint=endpoint)
        threading.Timer(0.3, lambda: cancelled.cancel(CancelledError("stop"))).start()
        with pytest.raises(CancelledError):
            bucket.fetch("any", tmp_path / "back")


_KILLED = """
import hashlib, os, pathlib, sys, json
from osiris.components.s3_connection import S3Connection
from osiris.core.cancel import CancelToken
from osiris.core.s3.client import S3Client
from osiris.core.s3.store import S3Store
connection = S3Connection.model_validate(json.loads(sys.stdin.read()))
store = S3Store(S3Client(connection, pathlib.Path(), CancelToken()), part_bytes=5 * 1024 * 1024)
path = pathlib.Path(sys.argv[1])
store.put("killed", path, hashlib.sha256(path.read_bytes()).hexdigest())
"""


def test_a_killed_upload_leaves_what_was_there(
    s3: S3Server, tmp_path: Path, proxy: Mischief
) -> None:
    put(s3, "killed", b"old")
    path, _ = file_of(tmp_path, LARGE)
    command = [sys.executable, "-c", _KILLED, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:

        def kill(target: str, _: str) -> None:
            if "partNumber=2" in target:
                process.kill()

        proxy.before = kill
        process.communicate(json.dumps(s3.options(**through(proxy))).encode())
        assert process.returncode == -signal.SIGKILL
    assert got(s3, "killed") == b"old"

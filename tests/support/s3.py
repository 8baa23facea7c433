"""A private S3 server (moto) that checks signatures, and a proxy before it that misbehaves."""

import http.client
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.certificates import Certificates
from tests.support.mariadb import free_port

BUCKET = "the-bucket"
REGION = "eu-central-1"
_START_SECONDS = 60.0
_POLICY = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", '
    '"Resource": "*"}]}'
)
_SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Wait.</Message></Error>"


@dataclass(frozen=True)
class S3Server:
    """A server with one user; `access_key` and `secret_key` are the user's."""

    port: int
    access_key: str
    secret_key: str

    def client(self) -> Any:
        """Return boto3's client for it: another implementation than the one under test."""
        return _client("s3", self.port, self.access_key, self.secret_key)

    def options(self, **changes: Any) -> dict[str, Any]:
        """Return the fields of a connection to its bucket."""
        return {
            "bucket": BUCKET,
            "region": REGION,
            "endpoint": f"http://127.0.0.1:{self.port}",
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            **changes,
        }


def _client(service: str, port: int, access_key: str, secret_key: str) -> Any:
    # Half a second that only the tests with a bucket pay for.
    import boto3  # noqa: PLC0415 - start-up time, see above
    from botocore.config import Config  # noqa: PLC0415 - as above

    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(retries={"max_attempts": 1}),
    )


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Start a server with an empty bucket; it ends with the block, or with this process."""
    port = free_port()
    # Only the requests that make the user are let through without a look at who sends them.
    env = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "3"}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *command],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait(process, port)
            iam = _client("iam", port, "anybody", "anything")
            iam.create_user(UserName="osiris")
            key = iam.create_access_key(UserName="osiris")["AccessKey"]
            iam.put_user_policy(UserName="osiris", PolicyName="all", PolicyDocument=_POLICY)
            server = S3Server(port, key["AccessKeyId"], key["SecretAccessKey"])
            server.client().create_bucket(
                Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
            yield server
        finally:
            process.kill()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError("the S3 server did not start")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the S3 server does not answer")


@dataclass(frozen=True)
class Fault:
    """What happens to requests whose method and target hold these texts.

    `kind`: `slow_down` answers 503; `reset` closes before anything is sent on; `lost` closes when
    the server has done it; `cut` sends half of the answer's body.
    """

    kind: str
    method: str = ""
    target: str = ""
    times: int = 1


@dataclass
class Mischief:
    """A proxy's faults, each used up after so many times, and what came by."""

    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str, str]] = field(default_factory=list)
    before: Callable[[str, str], object] = lambda _target, _span: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    port: int = 0

    def take(self, method: str, target: str, span: str) -> str | None:
        """Return the kind of the fault for a request, after `before` has seen it."""
        self.before(target, span)
        with self.lock:
            self.seen.append((method, target, span))
            for place, fault in enumerate(self.faults):
                if method.startswith(fault.method) and fault.target in target:
                    left = Fault(fault.kind, fault.method, fault.target, fault.times - 1)
                    self.faults[place : place + 1] = [left] if left.times else []
                    return fault.kind
        return None


class _Proxy(ThreadingHTTPServer):
    """Listens for requests to pass on to a server."""

    daemon_threads = True

    def __init__(self, mischief: Mischief, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.mischief = mischief
        self.upstream_port = port


class _Passing(BaseHTTPRequestHandler):
    """Passes one request on; its Host header stays, as it is signed."""

    protocol_version = "HTTP/1.1"
    server: _Proxy

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        kind = self.server.mischief.take(self.command, self.path, self.headers.get("range", ""))
        self.close_connection = True
        if kind == "slow_down":
            self._answer(503, [], _SLOW_DOWN)
        elif kind != "reset":
            self._upstream(body, kind)

    def _upstream(self, body: bytes, kind: str | None) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream_port, timeout=60)
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        if kind != "lost":
            self._answer(answer.status, answer.getheaders(), data, cut=kind == "cut")

    def _answer(
        self, status: int, headers: list[tuple[str, str]], data: bytes, *, cut: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in {"transfer-encoding", "connection", "content-length"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)

    do_GET = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def misbehaving(server: S3Server, certificates: Certificates | None = None) -> Iterator[Mischief]:
    """Run a proxy before a server within the block; its port and its faults are the mischief's.

    With certificates it speaks TLS.
    """
    mischief = Mischief()
    with _Proxy(mischief, server.port) as proxy:
        if certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates.cert, certificates.key)
            proxy.socket = context.wrap_socket(proxy.socket, server_side=True)
        mischief.port = proxy.server_address[1]
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        yield mischief
        proxy.shutdown()
        thread.join(60)

"""Every request that reached the server, for assertions on what was asked and given away."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

KEPT_OF_A_BODY = 4 << 20


@dataclass
class LoggedRequest:
    """One request; the body is kept up to 4 MiB, `size` counts all of it."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    http_version: str = "1.1"
    body: bytearray = field(default_factory=bytearray)
    size: int = 0
    status: int | None = None

    @property
    def is_control_plane(self) -> bool:
        """Whether it went to the REST API, not to a sandbox."""
        return "x-api-key" in self.headers

    def take(self, data: bytes) -> None:
        """Note a piece of the body."""
        self.size += len(data)
        self.body += data[: KEPT_OF_A_BODY - len(self.body)]

    def json(self) -> Any:
        """Return the body of a REST call."""
        return json.loads(bytes(self.body))

    def started_process(self) -> dict[str, Any]:
        """Return the body of a Start call: flag byte, four bytes of length, JSON."""
        length = int.from_bytes(self.body[1:5], "big")
        started: dict[str, Any] = json.loads(bytes(self.body[5 : 5 + length]))
        return started


class RequestLog:
    """Written by the server's thread, read by the test's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[LoggedRequest] = []

    def add(self, request: LoggedRequest) -> None:
        """Note that a request has come."""
        with self._lock:
            self._requests.append(request)

    def __iter__(self) -> Iterator[LoggedRequest]:
        with self._lock:
            return iter(list(self._requests))

    def find(self, method: str, path: str) -> list[LoggedRequest]:
        """Return the requests with this method whose path begins so."""
        return [r for r in self if r.method == method and r.path.startswith(path)]

    def creations(self) -> list[LoggedRequest]:
        """Return the requests for a sandbox; older SDKs send them elsewhere."""
        return [r for r in self if r.method == "POST" and r.path.endswith("/sandboxes")]

    def control_plane(self) -> list[LoggedRequest]:
        """Return what was asked of the REST API."""
        return [request for request in self if request.is_control_plane]

    def places_of(self, secret: str) -> list[str]:
        """Say wherever a secret was given away: any place but the variables of a Start call."""
        found = []
        for request in self:
            texts = {
                "path": unquote(request.path),
                "query": unquote(request.query),
                "headers": json.dumps(request.headers),
                "body": _body_without_variables(request),
            }
            for place, text in texts.items():
                if secret in text or base64.b64encode(secret.encode()).decode() in text:
                    found.append(f"{request.method} {request.path}: {place}")
        return found


def _body_without_variables(request: LoggedRequest) -> str:
    if request.path != "/process.Process/Start" or len(request.body) < 5:
        return bytes(request.body).decode("utf-8", "replace")
    started = request.started_process()
    started.get("process", {}).pop("envs", None)
    return json.dumps(started, ensure_ascii=False)

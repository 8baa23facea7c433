"""The server's front: logs each request, puts faults in, finds the sandbox, checks who asks.

One port serves the control plane and every sandbox, as the SDK's `E2B_API_URL` and
`E2B_SANDBOX_URL` allow. A sandbox is found by `E2b-Sandbox-Id`, else by its access token (older
SDKs), else by the host name `49983-ID.`.
"""

import asyncio
import base64
import binascii
from collections.abc import Mapping

from connectrpc.server import ConnectASGIApplication
from e2b.envd.filesystem.filesystem_connect import FilesystemASGIApplication
from e2b.envd.process.process_connect import ProcessASGIApplication
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.e2b_server.connections import Connections
from tests.e2b_server.current import CURRENT, CurrentRequest
from tests.e2b_server.fault_channel import FaultChannel
from tests.e2b_server.faults import Fault, FaultPlan
from tests.e2b_server.files_routes import files_application, signature_is_right
from tests.e2b_server.filesystem_service import FilesystemService
from tests.e2b_server.process_service import ProcessService
from tests.e2b_server.request_log import LoggedRequest, RequestLog
from tests.e2b_server.sandboxes import SandboxStore, TestSandbox

RPC = ("/process.Process/", "/filesystem.Filesystem/")
ENVD_HTTP = ("/files", "/health", "/metrics", "/envs")
USERS = ("user", "root")


class Gateway:
    """The ASGI application that uvicorn or hypercorn serves."""

    def __init__(
        self,
        store: SandboxStore,
        control_plane: ASGIApp,
        log: RequestLog,
        faults: FaultPlan,
        connections: Connections,
    ) -> None:
        self._store = store
        self._control_plane = control_plane
        self._log = log
        self._faults = faults
        self._connections = connections
        self.processes = ProcessService()
        self._envd: dict[str, ConnectASGIApplication] = {  # type: ignore[type-arg]  # of two services
            RPC[0]: ProcessASGIApplication(self.processes),
            RPC[1]: FilesystemASGIApplication(FilesystemService()),
        }
        self._files = files_application()
        self._active: dict[str, set[tuple[str, int]]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the server."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["client"] is None:  # reset before it was accepted: nobody hears the answer
            await JSONResponse({}, 400)(scope, receive, send)
            return
        request = _logged(scope)
        self._log.add(request)
        receive, send = _logging(request, receive, send)
        fault = self._faults.take(scope["method"], scope["path"])
        if fault is None:
            await self._serve(scope, receive, send)
        elif fault.status is not None:
            await self._reply(fault, scope, receive, send)
        else:
            channel = FaultChannel(fault, self._connections, scope, receive, send)
            await self._serve(scope, channel.receive, channel.send)

    def reset_streams(self, sandbox: TestSandbox) -> None:
        """Tear every exchange with a sandbox, as its proxy does when it ends."""
        for client in self._active.pop(sandbox.sandbox_id, set()):
            self._connections.end(client, "rst")

    async def _reply(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the fault's status, after carrying the request out or instead of it."""
        if fault.after:
            await self._serve(scope, receive, _drop)
        else:
            while (await receive()).get("more_body"):
                pass
        assert fault.status is not None
        error = {"code": fault.status, "message": fault.message}
        await JSONResponse(error, fault.status, dict(fault.headers))(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        application = next((app for name, app in self._envd.items() if path.startswith(name)), None)
        if application is None and path.startswith(ENVD_HTTP):
            await self._serve_sandbox(self._files, scope, receive, send)
        elif application is None:
            await self._control_plane(scope, receive, send)
        else:
            await self._serve_sandbox(application, scope, receive, send)

    async def _serve_sandbox(
        self, application: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        headers = Request(scope).headers
        sandbox = self._find(headers)
        refusal = self._refusal(sandbox, Request(scope))
        if refusal is not None or sandbox is None:
            while (await receive()).get("more_body"):
                pass
            assert refusal is not None
            await refusal(scope, receive, send)
            return
        current = CurrentRequest(sandbox, _user(headers) or "user")
        token = CURRENT.set(current)
        active = self._active.setdefault(sandbox.sandbox_id, set())
        client = tuple(scope["client"])
        active.add(client)
        try:
            await application(scope, _noticing(receive, current.disconnected), send)
        finally:
            active.discard(client)
            CURRENT.reset(token)

    def _find(self, headers: Mapping[str, str]) -> TestSandbox | None:
        sandbox_id = headers.get("e2b-sandbox-id")
        if sandbox_id is None and headers.get("x-access-token"):
            return self._store.by_token(headers["x-access-token"])
        if sandbox_id is None:
            sandbox_id = headers.get("host", "").partition(".")[0].removeprefix("49983-")
        return self._store.find(sandbox_id)

    def _refusal(self, sandbox: TestSandbox | None, request: Request) -> JSONResponse | None:
        """Return what the proxy in front of envd, or envd itself, says instead of serving."""
        asked = request.headers.get("e2b-sandbox-id", "")
        if sandbox is None or sandbox.state != "running":
            message = "The sandbox was not found"
            return JSONResponse({"sandboxId": asked, "message": message, "code": 502}, 502)
        if not sandbox.port_open:
            message = "The sandbox is running but port is not open"
            error = {"sandboxId": asked, "message": message, "port": 49983, "code": 502}
            return JSONResponse(error, 502)
        if request.url.path == "/health":
            return None
        signed = request.url.path == "/files" and signature_is_right(request, sandbox)
        known = request.headers.get("x-access-token") == sandbox.token or signed
        if sandbox.reject_token or not known:
            return _unauthenticated("unauthorized access, please provide a valid access token")
        user = _user(request.headers)
        if user is not None and user not in USERS:
            return _unauthenticated(f"invalid username: '{user}'")
        return None


def _unauthenticated(message: str) -> JSONResponse:
    return JSONResponse({"code": "unauthenticated", "message": message}, 401)


def _user(headers: Mapping[str, str]) -> str | None:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme != "Basic":
        return None
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _logged(scope: Scope) -> LoggedRequest:
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope["query_string"].decode("latin-1")
    return LoggedRequest(scope["method"], scope["path"], query, headers, scope["http_version"])


def _logging(request: LoggedRequest, receive: Receive, send: Send) -> tuple[Receive, Send]:
    async def noting_receive() -> Message:
        message = await receive()
        request.take(message.get("body", b""))
        return message

    async def noting_send(message: Message) -> None:
        if message["type"] == "http.response.start":
            request.status = message["status"]
        await send(message)

    return noting_receive, noting_send


def _noticing(receive: Receive, disconnected: asyncio.Event) -> Receive:
    async def noticing() -> Message:
        message = await receive()
        if message["type"] == "http.disconnect":
            disconnected.set()
        return message

    return noticing


async def _drop(message: Message) -> None:
    """Send nothing."""


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return

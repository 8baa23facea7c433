"""The REST API that makes, finds and ends sandboxes: what the SDK calls, and 501 for the rest."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.e2b_server.clock import AdjustableClock
from tests.e2b_server.sandboxes import DEFAULT_TIMEOUT, LONGEST_TIMEOUT, SandboxStore, TestSandbox
from tests.e2b_server.templates import TemplateRoutes

PAGE = 100


class ControlPlane:
    """Serves the store; `ended` is told of every sandbox that a request ends."""

    def __init__(
        self,
        store: SandboxStore,
        clock: AdjustableClock,
        ended: Callable[[TestSandbox, str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ended = ended
        self.templates = TemplateRoutes(store)

    def application(self, api_key: str) -> ASGIApp:
        """Return the ASGI application for whoever holds this key."""
        one = "/sandboxes/{sandbox_id}"
        routes = [
            Route("/v2/sandboxes", self.create, methods=["POST"]),
            Route("/sandboxes", self.create, methods=["POST"]),
            Route("/v2/sandboxes", self.list, methods=["GET"]),
            Route(one, self.get, methods=["GET"]),
            Route(one, self.kill, methods=["DELETE"]),
            Route(one + "/timeout", self.set_timeout, methods=["POST"]),
            Route(one + "/pause", self.pause, methods=["POST"]),
            Route(one + "/connect", self.connect, methods=["POST"]),
            Route("/v2" + one + "/connect", self.connect, methods=["POST"]),
            Route(one + "/metrics", self.metrics, methods=["GET"]),
            *self.templates.routes(),
        ]
        return _Keyed(Starlette(routes=routes, exception_handlers={404: _not_served}), api_key)

    async def create(self, request: Request) -> Response:
        """Make a sandbox; the same idempotency key makes the same one."""
        asked: dict[str, Any] = await request.json()
        timeout = asked.get("timeout")
        if timeout is not None and not 0 < timeout <= LONGEST_TIMEOUT:
            return error(400, "Timeout cannot be greater than 24 hours")
        try:
            sandbox = self._store.create(asked, request.headers.get("idempotency-key"))
        except KeyError:
            return error(404, f"template '{asked.get('templateID')}' not found")
        return JSONResponse(sandbox.created(), 201)

    async def list(self, request: Request) -> Response:
        """List those that fit, a page at a time."""
        wanted = _metadata(request.query_params.get("metadata", ""))
        states = request.query_params.get("state", "running,paused").split(",")
        found = [
            sandbox.described()
            for sandbox in self._store.living()
            if sandbox.state in states and wanted.items() <= sandbox.metadata.items()
        ]
        start = int(request.query_params.get("nextToken") or 0)
        limit = int(request.query_params.get("limit") or PAGE)
        more = {"x-next-token": str(start + limit)} if len(found) > start + limit else {}
        return JSONResponse(found[start : start + limit], headers=more)

    async def get(self, request: Request) -> Response:
        """Describe one."""
        sandbox = self._asked(request)
        return _missing(request) if sandbox is None else JSONResponse(sandbox.described())

    async def kill(self, request: Request) -> Response:
        """End one."""
        sandbox = self._asked(request)
        if sandbox is None:
            return _missing(request)
        await self._ended(sandbox, "killed")
        return Response(status_code=204)

    async def set_timeout(self, request: Request) -> Response:
        """Let one live so long from now, longer or shorter than it would have."""
        sandbox = self._asked(request)
        if sandbox is None:
            return _missing(request)
        self._extend(sandbox, (await request.json())["timeout"])
        return Response(status_code=204)

    async def pause(self, request: Request) -> Response:
        """Pause one: for its proxy it is gone until it is connected to."""
        sandbox = self._asked(request)
        if sandbox is None:
            return _missing(request)
        if sandbox.state == "paused":
            return error(409, f"Sandbox {sandbox.sandbox_id} is already paused")
        sandbox.state = "paused"
        return Response(status_code=204)

    async def connect(self, request: Request) -> Response:
        """Resume one that is paused; lengthen the life of one that runs."""
        sandbox = self._asked(request)
        if sandbox is None:
            return _missing(request)
        resumed = sandbox.state == "paused"
        sandbox.state = "running"
        timeout = (await request.json()).get("timeout") or DEFAULT_TIMEOUT
        if resumed or self._clock.now() + timeout > sandbox.end_at:
            self._extend(sandbox, timeout)
        return JSONResponse(sandbox.created(), 201 if resumed else 200)

    async def metrics(self, request: Request) -> Response:
        """Give no measurements."""
        return _missing(request) if self._asked(request) is None else JSONResponse([])

    def _asked(self, request: Request) -> TestSandbox | None:
        return self._store.find(request.path_params["sandbox_id"])

    def _extend(self, sandbox: TestSandbox, seconds: int) -> None:
        sandbox.end_at = self._clock.now() + seconds
        sandbox.extensions.append(seconds)


class _Keyed:
    """Refuses whoever does not hold the key."""

    def __init__(self, application: ASGIApp, api_key: str) -> None:
        self._application = application
        self._api_key = api_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if Request(scope).headers.get("x-api-key") != self._api_key:
            await error(401, "Invalid API key")(scope, receive, send)
            return
        await self._application(scope, receive, send)


def error(status: int, message: str) -> JSONResponse:
    """Return an error as the API words it."""
    return JSONResponse({"code": status, "message": message}, status)


def _missing(request: Request) -> JSONResponse:
    return error(404, f'Sandbox "{request.path_params["sandbox_id"]}" not found')


async def _not_served(request: Request, _error: Exception) -> Response:
    return error(501, f"the test server does not serve {request.method} {request.url.path}")


def _metadata(query: str) -> dict[str, str]:
    """Read the filter: a query string in a query parameter, each part quoted once more."""
    return {unquote(name): unquote(value) for name, value in parse_qsl(query)}

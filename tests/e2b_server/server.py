"""A loopback server that speaks E2B's wire protocol, in a thread of the test's process.

The unmodified SDK talks to it once `environment()` is in force. It serves 127.0.0.1 only.
"""

import asyncio
import concurrent.futures
import contextlib
import os
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import hypercorn
import hypercorn.asyncio
import uvicorn

from osiris.core.status_file import process_start
from tests.e2b_server.agent import descendants_of
from tests.e2b_server.back_ends import BackEnd, PlainBackEnd
from tests.e2b_server.clock import AdjustableClock
from tests.e2b_server.connections import Connections
from tests.e2b_server.control_plane import ControlPlane
from tests.e2b_server.faults import Fault, FaultPlan
from tests.e2b_server.gateway import Gateway
from tests.e2b_server.request_log import RequestLog
from tests.e2b_server.sandboxes import SandboxStore, TemplateImage, TestSandbox
from tests.e2b_server.templates import TemplateBuild
from tests.support.certificates import Certificates

T = TypeVar("T")
_TICK = 0.02
_PATIENCE = 10.0


class E2BServer:
    """A running server, and the handle by which a test looks at it and breaks it."""

    def __init__(self, back_end: BackEnd | None = None, *, root: Path) -> None:
        self.api_key = "e2b_" + secrets.token_hex(20)
        self.clock = AdjustableClock()
        self.log = RequestLog()
        self.faults = FaultPlan()
        self._connections = Connections()
        self._store = SandboxStore(root, back_end or PlainBackEnd(), self.clock)
        self._control_plane = ControlPlane(self._store, self.clock, self._end)
        self.gateway = Gateway(
            self._store,
            self._control_plane.application(self.api_key),
            self.log,
            self.faults,
            self._connections,
        )
        self._socket = socket.create_server(("127.0.0.1", 0))
        # asyncio sets it itself only where the protocol number is in the socket: here it is not.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop = asyncio.new_event_loop()
        config = uvicorn.Config(
            self.gateway,
            http=self._connections.protocol(),
            ws="none",
            proxy_headers=False,
            access_log=False,
            log_level="error",
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = uvicorn.Server(config)
        self._stopped = asyncio.Event()
        self._tls: concurrent.futures.Future[None] | None = None
        self._thread = threading.Thread(target=self._serve, name="e2b-server", daemon=True)

    @property
    def port(self) -> int:
        """The port of both the control plane and the sandboxes."""
        return int(self._socket.getsockname()[1])

    @property
    def url(self) -> str:
        """The address of both."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self, *, sandbox_url: str | None = None) -> dict[str, str]:
        """Return the variables that lead the SDK here; a relay may stand before the sandboxes."""
        return {
            "E2B_API_KEY": self.api_key,
            "E2B_API_URL": self.url,
            "E2B_SANDBOX_URL": sandbox_url or self.url,
        }

    @property
    def builds(self) -> list[TemplateBuild]:
        """The template builds that were asked for."""
        return list(self._control_plane.templates.builds.values())

    def fail_builds(self, message: str) -> None:
        """Let every further template build fail."""
        self._control_plane.templates.fails_with = message

    def add_template(self, name: str, template: TemplateImage) -> None:
        """Offer a template."""
        self._store.templates[name] = template

    def sandboxes(self) -> list[TestSandbox]:
        """Return every sandbox there ever was, in order of creation."""
        return list(self._store.all.values())

    def living(self) -> list[TestSandbox]:
        """Return those that exist now."""
        return self._store.living()

    def create(self, request: Mapping[str, Any]) -> TestSandbox:
        """Make a sandbox as if somebody had sent this request."""

        async def create() -> TestSandbox:
            return self._store.create(request, None)

        return self._do(create())

    def kill(self, sandbox: TestSandbox, why: str = "killed") -> None:
        """End a sandbox behind its owner's back; returns when all its processes are gone."""
        self._do(self._end(sandbox, why))
        sandbox.agent.wait()

    def pause(self, sandbox: TestSandbox) -> None:
        """Pause a sandbox behind its owner's back."""

        async def pause() -> None:
            sandbox.state = "paused"
            self.gateway.reset_streams(sandbox)

        self._do(pause())

    def pass_time(self, seconds: float) -> None:
        """Push the clock forward and see what expires."""
        self.clock.advance(seconds)
        self._do(self._expire())

    def kill_process(self, sandbox: TestSandbox, needle: str, *, youngest: bool = False) -> int:
        """Kill the processes with this in their command line, as an out-of-memory killer does.

        `youngest` kills only the one that was started last. Returns how many there were.
        """
        found = [p for p in descendants_of(sandbox.agent.root_pid) if needle in _command_line(p)]
        for pid in sorted(found, key=lambda p: process_start(p) or 0)[-1 if youngest else 0 :]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)

    def processes(self, sandbox: TestSandbox) -> list[str]:
        """Return the command lines of all that runs in a sandbox."""
        lines = [_command_line(pid) for pid in descendants_of(sandbox.agent.root_pid)]
        return [line for line in lines if line]

    def serve_tls(self, certificates: Certificates) -> int:
        """Serve over TLS as well, HTTP/2 where the client can; return the port."""
        listening = socket.create_server(("127.0.0.1", 0))
        port = int(listening.getsockname()[1])
        config = hypercorn.Config()
        config.bind = [f"fd://{listening.detach()}"]
        config.certfile, config.keyfile = str(certificates.cert), str(certificates.key)
        config.errorlog = None
        application: Any = self.gateway

        async def serve() -> None:
            await hypercorn.asyncio.serve(application, config, shutdown_trigger=self._stopped.wait)

        self._tls = asyncio.run_coroutine_threadsafe(serve(), self._loop)
        return port

    def thaw(self, fault: Fault) -> None:
        """Let what a fault froze go on (to nowhere: what was not sent is lost)."""
        self._call(fault.thawed.set)

    def start(self) -> "E2BServer":
        """Begin to serve; return self."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End every sandbox and the server."""
        self._do(self._end_all())
        self._call(self._stopped.set)
        if self._tls is not None:
            self._tls.result(_PATIENCE)
        self._uvicorn.should_exit = True
        self._thread.join(_PATIENCE)
        self._socket.close()
        self._store.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _run(self) -> None:
        ticking = asyncio.ensure_future(self._tick())
        await self._uvicorn.serve([self._socket])
        ticking.cancel()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        self._connections.abort_all()
        await asyncio.sleep(_TICK)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK)
            await self._expire()

    async def _expire(self) -> None:
        for sandbox in self._store.expired():
            await self._end(sandbox, "expired")

    async def _end(self, sandbox: TestSandbox, why: str) -> None:
        self._store.end(sandbox, why)
        self.gateway.reset_streams(sandbox)

    async def _end_all(self) -> None:
        for sandbox in self._store.living():
            await self._end(sandbox, "the server stopped")

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    def _call(self, work: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(work)


@contextlib.contextmanager
def running_server(back_end: BackEnd | None = None) -> Iterator[E2BServer]:
    """Run a server for the length of the block, with its files in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="e2b-server-") as root:
        server = E2BServer(back_end, root=Path(root)).start()
        try:
            yield server
        finally:
            server.stop()


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""

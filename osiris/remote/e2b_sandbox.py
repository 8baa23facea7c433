"""A sandbox in E2B's cloud, through the official SDK: the only module that imports it.

Inside, the SDK's asynchronous half runs on an event loop in a thread; outside, every call is
synchronous and bounded in time. Source of the behaviour relied on: the SDK (`e2b` 2.45 to 2.x) and
https://e2b.dev/docs.
"""

import base64
import contextlib
import inspect
import random
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, TypeVar

import e2b
import httpx
from e2b.sandbox_async.commands.command import Commands

from osiris.remote.e2b_calls import LOOP, call, translated
from osiris.remote.e2b_follow import Following, OnOutput, Start
from osiris.remote.e2b_options import E2BAccount, E2BOptions
from osiris.remote.e2b_settings import IDEMPOTENCY_KEY, creation_settings
from osiris.remote.e2b_shell import detached, direct, exact, joined, only
from osiris.remote.e2b_template import Resources, TemplatePlan
from osiris.remote.errors import (
    SandboxBusyError,
    SandboxError,
    SandboxGoneError,
    SandboxUnavailableError,
    SandboxUnreachableError,
)
from osiris.remote.lifetime import Lifetime
from osiris.remote.ownership import MADE_BY_OSIRIS, Owner
from osiris.remote.sandbox import SandboxSpec
from osiris.remote.sandbox_reaper import FoundSandbox
from osiris.remote.upload_parts import parts

T = TypeVar("T")

_DEFAULT_TEMPLATE = "base"
_CALL_SECONDS = 30.0
_SLACK_SECONDS = 10.0
_CREATE_SECONDS = 90.0
_LIST_SECONDS = 120.0
_TRANSFER_SECONDS = 120.0
_FOLLOW_SECONDS = 600.0
_PART_TRIES = 3

# What was passed on need not stay in memory; the oldest SDKs keep it all the same.
_CAN_FORGET = "retain_output" in inspect.signature(Commands.run).parameters
_RETAIN_NOTHING: dict[str, Any] = {"retain_output": False} if _CAN_FORGET else {}


class E2BSandbox:
    """One sandbox; see `Sandbox` for what each method promises."""

    def __init__(self, sandbox: e2b.AsyncSandbox, account: E2BAccount, ttl_seconds: int) -> None:
        self._sandbox = sandbox
        self._life = Lifetime(ttl_seconds)
        self._home: str | None = None
        self._following: set[Following] = set()
        self._http = httpx.AsyncClient(
            base_url=sandbox.envd_api_url,
            headers={**sandbox.connection_config.sandbox_headers, "Accept-Encoding": "identity"},
            proxy=account.proxy,
            timeout=_CALL_SECONDS,
        )
        # A sandbox that is kept is never killed, and lets go of its connections all the same.
        weakref.finalize(self, _close, self._http).atexit = False

    @property
    def id(self) -> str:
        """The sandbox's id in E2B."""
        return str(self._sandbox.sandbox_id)

    @property
    def home(self) -> str:
        """The home of the template's user; asked once."""
        if self._home is None:
            shown = self.run(["sh", "-c", 'printf %s "$HOME"'], timeout=_CALL_SECONDS)
            self._home = shown.decode()
        return self._home

    @property
    def python(self) -> Sequence[str]:
        """The template's Python."""
        return ("python3", "-u")

    def write(self, path: str, data: bytes | BinaryIO) -> None:
        """Upload; more than 8 MiB goes in parts that are joined there."""
        pieces = parts(data)
        first, second = next(pieces, b""), next(pieces, None)
        if second is None:
            self._upload(path, first)
            return
        paths: list[str] = []
        for piece in (first, second, *pieces):
            paths.append(f"{path}.{len(paths):05d}")
            self._upload(paths[-1], piece)
        command = joined(paths, path)
        self._call(f"join {path}", self._run(command, _TRANSFER_SECONDS), _TRANSFER_SECONDS)

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Download a part of a file."""
        work = self._read(path, offset, length)
        return self._call(f"read {path}", work, _TRANSFER_SECONDS)

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run a command; a failing one is a `SandboxError` with the end of what it said."""
        most = timeout + _SLACK_SECONDS
        command = exact(argv, timeout)
        work = self._run(command if env is None else f"{only(env)}{command}", most, stdin, env)
        return base64.b64decode(self._call(f"run {argv[0]}", work, most))

    def start(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Start a command in a session of its own; `env` travels in the call's own field."""
        work = self._run(detached(argv, env), _CALL_SECONDS, env=env)
        self._call(f"start {argv[0]}", work, _CALL_SECONDS * 2)

    def follow(self, argv: Sequence[str]) -> Iterator[bytes]:
        """Run a command and give what it prints, for ten minutes at most.

        The SDK decodes: bytes that are not UTF-8 arrive as U+FFFD. A command that a signal ends
        counts as a cut stream.
        """
        following = Following(self._starter(argv))
        self._following.add(following)
        following.begin(LOOP)
        try:
            with self._checked(), translated(f"follow {argv[0]}", self.id):
                yield from following.pieces()
        finally:
            self._following.discard(following)
            following.stop()

    def interrupt(self) -> None:
        """End every `follow` that is under way, even one whose stream is dead silent."""
        for following in list(self._following):
            following.stop()

    def alive(self) -> bool:
        """Ask E2B; one that somebody paused is resumed."""

        async def ask() -> bool:
            try:
                info = await self._sandbox.get_info(request_timeout=_CALL_SECONDS)
            except e2b.NotFoundException:
                return False
            if info.state is e2b.SandboxState.PAUSED:
                seconds = self._life.seconds
                await self._sandbox.connect(seconds, request_timeout=_CALL_SECONDS)
                self._life.renewed(seconds)
            return True

        return call("ask for its state", ask(), _CALL_SECONDS * 3, self.id)

    def renew(self, ttl_seconds: int) -> None:
        """Let it live so long from now."""
        work = self._sandbox.set_timeout(ttl_seconds, request_timeout=_CALL_SECONDS)
        call("renew its time", work, _CALL_SECONDS * 3, self.id)
        self._life.renewed(ttl_seconds)

    def kill(self) -> None:
        """End it, and let go of the connections to it."""
        self._life.killed()
        self.interrupt()
        try:
            work = self._sandbox.kill(request_timeout=_CALL_SECONDS)
            call("kill it", work, _CALL_SECONDS * 3, self.id)
        finally:
            with contextlib.suppress(TimeoutError):
                LOOP.call(self._http.aclose(), _CALL_SECONDS)

    def _upload(self, path: str, data: bytes) -> None:
        """Upload one part; a cut one is uploaded again, from its beginning."""
        for tries_left in reversed(range(_PART_TRIES)):
            work = self._sandbox.files.write(
                path, data, use_octet_stream=True, request_timeout=_TRANSFER_SECONDS
            )
            try:
                self._call(f"write {path}", work, _TRANSFER_SECONDS * 2)
            except SandboxUnreachableError:
                if not tries_left:
                    raise
            else:
                return

    async def _read(self, path: str, offset: int, length: int) -> bytes:
        if length <= 0:
            return b""
        if self._http.is_closed:
            raise SandboxGoneError(f"E2B sandbox {self.id} was killed")
        wanted = {"Range": f"bytes={offset}-{offset + length - 1}"}
        reply = await self._http.get("/files", params={"path": path}, headers=wanted)
        match reply.status_code:
            case httpx.codes.PARTIAL_CONTENT:
                return reply.content
            case httpx.codes.OK:
                return reply.content[offset : offset + length]
            case httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return b""
            case httpx.codes.NOT_FOUND:
                raise e2b.FileNotFoundException(reply.text)
            case status:
                raise e2b.SandboxException(f"{status}: {reply.text}")

    def _starter(self, argv: Sequence[str]) -> Start:
        async def start(on_output: OnOutput) -> Any:
            return await self._sandbox.commands.run(
                direct(argv),
                background=True,
                on_stdout=on_output,
                **_RETAIN_NOTHING,
                timeout=_FOLLOW_SECONDS,
                request_timeout=_CALL_SECONDS,
            )

        return start

    async def _run(
        self,
        command: str,
        seconds: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> str:
        handle = await self._sandbox.commands.run(
            command,
            background=True,
            envs=dict(env or {}),
            stdin=bool(stdin),
            timeout=seconds,
            request_timeout=_CALL_SECONDS,
        )
        if stdin:
            await handle.send_stdin(stdin)
            await handle.close_stdin()
        return str((await handle.wait()).stdout)

    def _call(self, doing: str, work: Coroutine[Any, Any, T], timeout: float) -> T:
        with self._checked():
            return call(doing, work, timeout, self.id)

    @contextlib.contextmanager
    def _checked(self) -> Iterator[None]:
        """Ask E2B whether a sandbox is gone that cannot be found: a paused one cannot, either."""
        try:
            yield
        except SandboxGoneError as error:
            try:
                lives = self.alive()
            except SandboxError:
                lives = False
            if not lives:
                raise SandboxGoneError(error.message, hint=self._life.why_gone()) from error
            raise SandboxUnreachableError(
                f"E2B sandbox {self.id} was paused, or lost from sight; it is running again",
            ) from error


class E2BSandboxProvider:
    """Makes sandboxes in the account that the environment names."""

    name = "e2b"
    shares_files = False

    def __init__(self, account: E2BAccount, options: E2BOptions | None = None) -> None:
        self._account = account
        self._options = options or E2BOptions()
        self._client = e2b.E2B(**account.parameters())

    def create(self, spec: SandboxSpec) -> E2BSandbox:
        """Make a sandbox, trying again while the service is busy or does not answer.

        Every try carries the same idempotency key, so that one whose answer was lost and the next
        make one sandbox and not two.
        """
        owner = Owner.this_process(spec.run_id, spec.attempt)
        template = self._template(Resources.of(spec))
        settings = creation_settings(spec, owner, install_deps=self._options.install_deps)
        for wait in (*self._options.backoff, None):
            try:
                work = self._client.AsyncSandbox.create(template, **settings)
                made = call("create a sandbox", work, _CREATE_SECONDS)
            except (SandboxBusyError, SandboxUnreachableError):
                if wait is None:
                    self._forget(owner)
                    raise
                time.sleep(wait * random.uniform(0.5, 1))  # noqa: S311 - spreads load, no secret
            else:
                made.connection_config.headers.pop(IDEMPOTENCY_KEY, None)  # the creation's alone
                return E2BSandbox(made, self._account, spec.ttl_seconds)
        raise AssertionError("the last try returns or raises")

    def _template(self, wanted: Resources) -> str:
        """Return the template to use; resources that were asked for must be a template's."""
        named, plan = self._options.template, self._options.plan
        if named is not None and wanted:
            raise SandboxUnavailableError(
                f"template {named!r} has its own processors and memory: E2B fixes them when a "
                "template is built, not when a sandbox is made from it",
                hint="leave out --e2b-cpu and --e2b-memory, or --e2b-template",
            )
        if named is not None:
            return named
        built = None if plan is None else plan.with_resources(wanted).name
        if built is not None and self._exists(built):
            return built
        if wanted:
            raise SandboxUnavailableError(
                "processors and memory are a template's in E2B, and none was built here with "
                f"{wanted}",
                hint=f"osiris e2b build-template {wanted.as_options}",
            )
        return _DEFAULT_TEMPLATE

    def _exists(self, template: str) -> bool:
        work = self._client.AsyncTemplate.exists(template)
        return call(f"look for template {template}", work, _CALL_SECONDS * 3)

    def _forget(self, owner: Owner) -> None:
        """End what a creation that seemed to fail may have made all the same."""
        directory = E2BSandboxDirectory(self._account)
        with contextlib.suppress(SandboxError):
            for found in directory.find():
                if found.owner == owner:
                    directory.kill(found.id)


class E2BSandboxDirectory:
    """The sandboxes in the account that carry Osiris's metadata."""

    def __init__(self, account: E2BAccount) -> None:
        self._client = e2b.E2B(**account.parameters())

    def find(self) -> list[FoundSandbox]:
        """Give those that are ours by their metadata, running or paused."""
        infos = call("list the sandboxes", self._infos(), _LIST_SECONDS)
        owners = [(info, Owner.of(info.metadata)) for info in infos]
        return [
            FoundSandbox(
                id=info.sandbox_id,
                provider=E2BSandboxProvider.name,
                owner=owner,
                state=str(info.state.value),
                started_at=info.started_at,
                ends_at=info.end_at,
            )
            for info, owner in owners
            if owner is not None
        ]

    def kill(self, sandbox_id: str) -> None:
        """End one."""
        work = self._client.AsyncSandbox.kill(sandbox_id)
        call("kill it", work, _CALL_SECONDS * 3, sandbox_id)

    async def _infos(self) -> list[e2b.SandboxInfo]:
        pages = self._client.AsyncSandbox.list(query=e2b.SandboxQuery(metadata=MADE_BY_OSIRIS))
        found: list[e2b.SandboxInfo] = []
        while pages.has_next:
            found += await pages.next_items()
        return found


def build_template(
    account: E2BAccount, plan: TemplatePlan, on_line: Callable[[str], None], *, timeout: float
) -> str:
    """Build a template in the account; returns its id. A failed build is an error with its log."""
    client = e2b.E2B(**account.parameters())
    template = (
        client.AsyncTemplate()
        .from_python_image(plan.python)
        .run_cmd(plan.install_command, user="root")
    )
    work = client.AsyncTemplate.build(
        template,
        plan.name,
        cpu_count=plan.resources.cpus,
        memory_mb=plan.resources.memory_mb,
        on_build_logs=lambda entry: on_line(str(entry)),
    )
    return str(call(f"build template {plan.name}", work, timeout).template_id)


def _close(http: httpx.AsyncClient) -> None:
    LOOP.submit(http.aclose())

"""The server's sandboxes: made, listed, paused, expired and killed."""

import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.e2b_server.agent_link import AgentLink
from tests.e2b_server.back_ends import BackEnd, Box
from tests.e2b_server.clock import AdjustableClock
from tests.e2b_server.commands import CommandTable

ENVD_VERSION = "0.6.13"
DEFAULT_TIMEOUT = 300
LONGEST_TIMEOUT = 24 * 3600
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class TemplateImage:
    """A template: its resources, and what a login shell finds in it.

    `profile` is put into `~/.profile`, `readable` are directories of this machine that its
    sandboxes see.
    """

    template_id: str
    cpu_count: int = 2
    memory_mb: int = 512
    profile: str = ""
    readable: tuple[Path, ...] = ()


@dataclass
class TestSandbox:
    """One sandbox; `ended` says why it is gone."""

    __test__ = False

    sandbox_id: str
    token: str
    template: TemplateImage
    request: Mapping[str, Any]
    box: Box
    back_end: BackEnd
    agent: AgentLink
    commands: CommandTable
    started_at: float
    end_at: float
    state: str = "running"
    ended: str | None = None
    port_open: bool = True
    disk_full: bool = False
    reject_token: bool = False
    extensions: list[int] = field(default_factory=list)

    @property
    def metadata(self) -> dict[str, str]:
        """What the creator wrote on it."""
        return dict(self.request.get("metadata") or {})

    @property
    def home(self) -> str:
        """The user's home as its processes see it."""
        return self.back_end.home(self.box)

    def environment(self, call: Mapping[str, str]) -> dict[str, str]:
        """Return what a command gets: four variables, the sandbox's own and the call's."""
        own = {"PATH": PATH, "HOME": self.home, "USER": "user", "LOGNAME": "user"}
        return own | dict(self.request.get("envVars") or {}) | dict(call)

    def created(self) -> dict[str, Any]:
        """Return the reply to its creation."""
        return {
            "templateID": self.template.template_id,
            "sandboxID": self.sandbox_id,
            "clientID": "client",
            "envdVersion": ENVD_VERSION,
            "envdAccessToken": self.token,
            "domain": None,
        }

    def described(self) -> dict[str, Any]:
        """Return what the list and the details say."""
        return {
            **self.created(),
            "startedAt": _stamp(self.started_at),
            "endAt": _stamp(self.end_at),
            "cpuCount": self.template.cpu_count,
            "memoryMB": self.template.memory_mb,
            "diskSizeMB": 1024,
            "state": self.state,
            "metadata": self.metadata,
        }


class SandboxStore:
    """All sandboxes that ever were, by id; belongs to the server's event loop."""

    def __init__(self, root: Path, back_end: BackEnd, clock: AdjustableClock) -> None:
        self._root = root
        self._back_end = back_end
        self._clock = clock
        self.all: dict[str, TestSandbox] = {}
        self.by_idempotency_key: dict[str, TestSandbox] = {}
        self.templates = {"base": TemplateImage("base")}

    def create(self, request: Mapping[str, Any], key: str | None) -> TestSandbox:
        """Make a sandbox, or return the one that this key made before; KeyError: no template."""
        if key is not None and key in self.by_idempotency_key:
            return self.by_idempotency_key[key]
        template = self.templates[request["templateID"]]
        sandbox_id = "i" + secrets.token_hex(9)
        internet = request.get("allow_internet_access") is not False
        box = Box(self._root / sandbox_id, internet, template.readable).made()
        profile = Path(self._back_end.host_path(box, self._back_end.home(box)), ".profile")
        profile.write_text(template.profile)
        agent = AgentLink(self._back_end, box)
        now = self._clock.now()
        sandbox = TestSandbox(
            sandbox_id=sandbox_id,
            token=secrets.token_hex(16),
            template=template,
            request=request,
            box=box,
            back_end=self._back_end,
            agent=agent,
            commands=CommandTable(agent, self._clock),
            started_at=now,
            end_at=now + (request.get("timeout") or DEFAULT_TIMEOUT),
        )
        self.all[sandbox_id] = sandbox
        if key is not None:
            self.by_idempotency_key[key] = sandbox
        return sandbox

    def find(self, sandbox_id: str | None) -> TestSandbox | None:
        """Return a sandbox that exists (it may be paused)."""
        sandbox = self.all.get(sandbox_id or "")
        return None if sandbox is None or sandbox.ended else sandbox

    def by_token(self, token: str | None) -> TestSandbox | None:
        """Return the sandbox with this access token: older SDKs send no id."""
        return next((s for s in self.living() if s.token == token), None)

    def living(self) -> list[TestSandbox]:
        """Return those that exist."""
        return [sandbox for sandbox in self.all.values() if not sandbox.ended]

    def end(self, sandbox: TestSandbox, why: str) -> None:
        """End a sandbox and everything in it; its disk goes too."""
        if sandbox.ended:
            return
        sandbox.ended = why
        sandbox.commands.close()
        sandbox.agent.close()

    def expired(self) -> list[TestSandbox]:
        """Return those whose time is over."""
        now = self._clock.now()
        return [s for s in self.living() if s.state == "running" and s.end_at <= now]

    def close(self) -> None:
        """End all and remove their files; from any thread once the loop is done."""
        for sandbox in self.all.values():
            sandbox.agent.wait()
            shutil.rmtree(sandbox.box.root, ignore_errors=True)


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")

"""The events that exist only because of a sandbox; a parity check drops them, and only them."""

from dataclasses import dataclass
from typing import Any

from osiris.core.events import Event


@dataclass(frozen=True, kw_only=True)
class SandboxCreated(Event):
    """A sandbox was made; the first thing that is recorded of it, so that it can be found again.

    `hosts` are the places its network leads to; empty when it has none.
    """

    sandbox: str
    provider: str
    ttl_seconds: int
    hosts: list[str]


@dataclass(frozen=True, kw_only=True)
class SandboxBundleSent(Event):
    """What the run needs was brought in and checked there; `inputs` are the steps' input files."""

    bytes: int
    sha256: str
    inputs: int
    input_bytes: int


@dataclass(frozen=True, kw_only=True)
class SandboxWorkerStarted(Event):
    """The runner has begun; `python` is the version inside."""

    protocol: int
    python: str


@dataclass(frozen=True, kw_only=True)
class SandboxReconnected(Event):
    """The stream of records was cut and goes on from `seq`; nothing is lost."""

    seq: int
    why: str


@dataclass(frozen=True, kw_only=True)
class SandboxWorkerEnded(Event):
    """The worker has ended: by itself with an exit code, or by a signal.

    `oom` says that the kernel ended a process for want of memory, `reason` why the runner stopped
    the worker, if it did. Memory is the largest resident size of a process, time that of all.
    """

    exit_code: int | None
    signal: int | None
    oom: bool
    reason: str | None
    max_rss_bytes: int
    cpu_seconds: float


@dataclass(frozen=True, kw_only=True)
class SandboxArtifactsFetched(Event):
    """The files that the steps made were brought back and checked."""

    files: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class SandboxTargetReplaced(Event):
    """A file of the project took the place of what it was: the copy that steps changed is back."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class SandboxKilled(Event):
    """The sandbox is gone, `seconds` after it was made."""

    sandbox: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SandboxKept(Event):
    """The sandbox was left as it is, because the caller asked for it."""

    sandbox: str


@dataclass(frozen=True, kw_only=True)
class SandboxKillFailed(Event):
    """The sandbox could not be ended and may still cost money; `osiris sandboxes reap` ends it."""

    sandbox: str
    error: dict[str, Any]

"""The port to a sandbox: the few things a run needs of one, whatever it is made of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable


@dataclass(frozen=True)
class SandboxSpec:
    """What a run asks of a new sandbox.

    Attributes:
        run_id: the run's session id; with `attempt` the idempotency key of the creation.
        metadata: who owns the sandbox; never a secret.
        ttl_seconds: life to begin with; renewed while the run lasts.
        hosts: (host, port) pairs that the manifest's connections reach; empty: no network needed.
        reads: absolute host paths that a sandbox on this machine shows, read-only, at the same
            paths inside; a remote one ignores them, what it needs is brought in.
        project: directory that relative paths refer to; a sandbox on this machine has it at the
            same path, with nothing in it but `reads`.
        scratch: directory on this machine below which a sandbox on it keeps its files.
        memory_bytes: limit on memory, or None for the sandbox's own.
        pids: limit on processes and threads, or None.
        cpus: limit on processor time in cores, or None.

    """

    run_id: str
    attempt: int = 1
    metadata: Mapping[str, str] = field(default_factory=dict)
    ttl_seconds: int = 300
    hosts: tuple[tuple[str, int], ...] = ()
    reads: tuple[Path, ...] = ()
    project: Path | None = None
    scratch: Path | None = None
    memory_bytes: int | None = None
    pids: int | None = None
    cpus: float | None = None


class Sandbox(Protocol):
    """A running sandbox.

    Paths are absolute paths inside it. Every method may raise `SandboxUnreachableError` (the way is
    cut; try again), `SandboxGoneError` (final) or another `SandboxError`; nothing else. All calls
    are bounded in time.
    """

    @property
    def id(self) -> str:
        """The sandbox's name where it lives."""

    @property
    def home(self) -> str:
        """Directory inside the sandbox in which the session's directory is made."""

    @property
    def python(self) -> Sequence[str]:
        """How Python is started inside, for instance `("python3", "-u")`."""

    def write(self, path: str, data: bytes | BinaryIO) -> None:
        """Put a file there, directories included. Not atomic: write a `.part`, check, rename."""

    def read(self, path: str, offset: int, length: int) -> bytes:
        """Return up to `length` bytes of a file from `offset`; raises `SandboxFileMissingError`."""

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """Run a short command to its end and return its standard output; raises on failure.

        `env` as in `start`; without it the command gets what the sandbox gives to all. Where no
        files are shared, what it starts in a session of its own goes on.
        """

    def start(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Start a long command that outlives this call and every connection; its output is lost.

        `env` is exactly what the command gets beside PATH and HOME; it is in no argument list,
        file or metadata.
        """

    def follow(self, argv: Sequence[str]) -> Iterator[bytes]:
        """Start a command and yield its standard output as it comes, in pieces of any size.

        Ends when the command ends. Any transport error is `SandboxUnreachableError`; the caller
        starts again from what it has.
        """

    def interrupt(self) -> None:
        """Make a `follow` that is under way in another thread end at once."""

    def alive(self) -> bool:
        """Ask whether the sandbox still exists."""

    def renew(self, ttl_seconds: int) -> None:
        """Let the sandbox live so much longer from now; nothing to do where it has no end."""

    def kill(self) -> None:
        """End the sandbox and all that runs in it; killing what is gone is not an error."""


@runtime_checkable
class SharesFiles(Protocol):
    """What a sandbox on this machine can do as well: nothing is copied in or out."""

    def open(self, path: str) -> BinaryIO:
        """Open a plain file of the sandbox for reading, after `kill` too; no link is followed.

        Raises `SandboxFileMissingError` when there is none.
        """

    def discard(self) -> None:
        """Remove the sandbox's files, after `kill`."""


class SandboxProvider(Protocol):
    """Makes sandboxes of one kind."""

    @property
    def name(self) -> str:
        """Name of the adapter in records: `e2b`, `sandbox` …; also the prefix of verbose lines."""

    @property
    def shares_files(self) -> bool:
        """Whether its sandboxes are on this machine: `SharesFiles`."""

    def create(self, spec: SandboxSpec) -> Sandbox:
        """Make a sandbox; raises `SandboxUnavailableError` or `SandboxBusyError`."""

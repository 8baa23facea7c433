"""The caller's choices about a sandbox run, whatever the sandbox is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from osiris.remote.limits import Limits


@dataclass(frozen=True)
class SandboxChoices:
    """How a run in a sandbox should go; times are in seconds.

    Attributes:
        install_deps: install what is missing in the sandbox, at this host's exact versions.
        keep: leave the sandbox as it is at the end.
        env: variables for the worker beside those that the manifest uses.
        secret_env: names of those whose values must not be written anywhere.
        ttl: life of the sandbox; renewed at a third while the run lasts.
        deadline: how long the steps may run in all, or None.
        memory_bytes, pids, cpus: limits of the sandbox, or None for its own.
        heartbeat: how often the runner says that it lives.
        patience: how long the way to the sandbox may be cut before the sandbox counts as lost.
        lease: how long the worker goes on while nobody hears it.
        limits: how much the sandbox may hand back.

    """

    install_deps: bool = False
    keep: bool = False
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: frozenset[str] = frozenset()
    ttl: int = 300
    deadline: float | None = None
    memory_bytes: int | None = None
    pids: int | None = None
    cpus: float | None = None
    heartbeat: float = 2.0
    patience: float = 90.0
    lease: float = 600.0
    limits: Limits = field(default_factory=Limits)

    @property
    def silence(self) -> float:
        """How long the stream of records may be silent before it counts as cut."""
        return 3 * self.heartbeat + 1.0

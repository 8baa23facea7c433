"""Finding the sandboxes that Osiris made and ending those whose run is dead."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from osiris.remote.errors import SandboxError
from osiris.remote.ownership import Owner


class Standing(StrEnum):
    """What is known of the run that a sandbox belongs to."""

    RUNNING = "running"
    """Its process lives on this machine."""
    DEAD = "dead"
    """Its process has ended without killing it: nobody needs it any more."""
    ELSEWHERE = "elsewhere"
    """It was made on another machine, or before this one's last start: not ours to judge."""


@dataclass(frozen=True)
class FoundSandbox:
    """A sandbox that carries Osiris's metadata."""

    id: str
    provider: str
    owner: Owner
    state: str
    started_at: datetime
    ends_at: datetime

    @property
    def standing(self) -> Standing:
        """What is known of its run, now."""
        if self.owner.is_dead:
            return Standing.DEAD
        return Standing.RUNNING if self.owner.is_here else Standing.ELSEWHERE

    def to_dict(self) -> dict[str, Any]:
        """Return it as a command shows it."""
        return {
            "id": self.id,
            "provider": self.provider,
            "run": self.owner.run_id,
            "attempt": self.owner.attempt,
            "pid": self.owner.pid,
            "state": self.state,
            "standing": str(self.standing),
            "started_at": self.started_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
        }


class SandboxDirectory(Protocol):
    """The sandboxes of one provider's account."""

    def find(self) -> Iterable[FoundSandbox]:
        """Give those that carry Osiris's metadata, and no others."""

    def kill(self, sandbox_id: str) -> None:
        """End one; what is gone already is no error."""


@dataclass(frozen=True)
class Reaped:
    """A sandbox of a dead run, and how its end went: `error` is None when it is gone."""

    sandbox: FoundSandbox
    error: SandboxError | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as a command shows it."""
        error = None if self.error is None else self.error.to_dict()
        return {**self.sandbox.to_dict(), "error": error}


def reap(directory: SandboxDirectory) -> list[Reaped]:
    """End every sandbox whose process is provably dead; one that resists does not stop the rest."""
    return [
        _reaped(directory, found) for found in directory.find() if found.standing is Standing.DEAD
    ]


def _reaped(directory: SandboxDirectory, found: FoundSandbox) -> Reaped:
    try:
        directory.kill(found.id)
    except SandboxError as error:
        return Reaped(found, error)
    return Reaped(found)

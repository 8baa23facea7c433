"""Who made a sandbox, written on it as metadata, so that what a dead process left can be told.

A process is named by machine, boot, process namespace, pid and start: only where all of these can
be looked at is it known that it lives no more.
"""

import hashlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from osiris.core.status_file import process_start

MADE_BY_OSIRIS = {"made_by": "osiris"}
RUN = "osiris_run"
ATTEMPT = "osiris_attempt"
MACHINE = "osiris_machine"
PROCESS = "osiris_process"


@dataclass(frozen=True)
class Owner:
    """The process that made a sandbox, for one run."""

    run_id: str
    attempt: int
    machine: str
    pid: int
    start: int

    @classmethod
    def this_process(cls, run_id: str, attempt: int) -> "Owner":
        """Return this process as the owner of a sandbox for a run."""
        pid = os.getpid()
        return cls(run_id, attempt, this_machine(), pid, process_start(pid) or 0)

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> "Owner | None":
        """Read the owner from a sandbox's metadata; None when it is not one of ours."""
        pid, _, start = metadata.get(PROCESS, "").partition(":")
        run_id, attempt = metadata.get(RUN), metadata.get(ATTEMPT, "")
        machine = metadata.get(MACHINE)
        if run_id is None or machine is None:
            return None
        if not (pid.isdecimal() and start.isdecimal() and attempt.isdecimal()):
            return None
        return cls(run_id, int(attempt), machine, int(pid), int(start))

    def to_metadata(self) -> dict[str, str]:
        """Return the owner as metadata; nothing in it is secret."""
        return {
            **MADE_BY_OSIRIS,
            RUN: self.run_id,
            ATTEMPT: str(self.attempt),
            MACHINE: self.machine,
            PROCESS: f"{self.pid}:{self.start}",
        }

    @property
    def idempotency_key(self) -> str:
        """A key for the creation: of this run and attempt, and of no other process's."""
        whole = f"{self.run_id} {self.attempt} {self.machine} {self.pid} {self.start}"
        return "osiris-" + hashlib.sha256(whole.encode()).hexdigest()[:48]

    @property
    def is_here(self) -> bool:
        """Whether it is (or was) a process that this one could see."""
        return self.machine == this_machine()

    @property
    def is_dead(self) -> bool:
        """Whether the process has provably ended; False where that cannot be known."""
        return self.is_here and self.start > 0 and process_start(self.pid) != self.start


def this_machine() -> str:
    """Return a digest of machine, boot, host name and process namespace: where a pid counts."""
    parts = [socket.gethostname()]
    for path in ("/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        try:
            parts.append(Path(path).read_text("utf-8").strip())
        except OSError:
            parts.append("")
    try:
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        parts.append("")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

"""status.json: the run's identity and outcome, there from its first moment to its last."""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osiris.core.atomic_file import replace_bytes
from osiris.core.layout import RunLayout
from osiris.core.record_files import iso_time
from osiris.core.status import RunStatus, StepStatus
from osiris.version import VERSION

if TYPE_CHECKING:  # who only reads runs should not wait for pydantic
    from osiris.core.manifest import Manifest

_RESERVE = 64 * 1024


def process_start(pid: int) -> int | None:
    """Return when a process began, in clock ticks since boot (`/proc/PID/stat`, field 22).

    None when there is no such process (a zombie is none any more) or no /proc. With the pid it
    names a process for good: a pid alone is used again.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    after_name = stat.rpartition(")")[2].split()
    return None if after_name[0] in "ZX" else int(after_name[19])


@dataclass(frozen=True)
class RunIdentity:
    """What a run is and which process runs it; the part of status.json that never changes."""

    session: str
    pipeline: str
    fingerprint: str
    adapter: str
    osiris_version: str
    host: str
    pid: int
    process_start: int | None
    started_at: float

    @classmethod
    def of_this_process(cls, session: str, manifest: "Manifest", adapter: str) -> "RunIdentity":
        """Return the identity of a run that this process begins now."""
        pid = os.getpid()
        return cls(
            session=session,
            pipeline=manifest.name,
            fingerprint=manifest.fingerprint,
            adapter=adapter,
            osiris_version=VERSION,
            host=socket.gethostname(),
            pid=pid,
            process_start=process_start(pid),
            started_at=time.time(),
        )


class StatusFile:
    """Writes status.json atomically, with some disk space put aside for the last write."""

    def __init__(self, layout: RunLayout, identity: RunIdentity) -> None:
        self._path = layout.status
        self._reserve = layout.root / ".reserve"
        self._identity = identity

    def reserve(self) -> None:
        """Put disk space aside for the final records, should the disk fill up meanwhile."""
        with suppress(OSError):
            self._reserve.write_bytes(bytes(_RESERVE))

    def release(self) -> None:
        """Give the space back."""
        with suppress(OSError):
            self._reserve.unlink(missing_ok=True)

    def write(self, status: RunStatus, *, finished_at: float | None = None) -> None:
        """Replace status.json; raises `DiskFullError` or `SystemStepError`."""
        text = json.dumps(self._data(status, finished_at), indent=2, ensure_ascii=False)
        replace_bytes(self._path, text.encode("utf-8", "backslashreplace") + b"\n")

    def _data(self, status: RunStatus, finished_at: float | None) -> dict[str, Any]:
        started = self._identity.started_at
        return {
            **asdict(self._identity),
            "started_at": iso_time(started),
            "finished_at": None if finished_at is None else iso_time(finished_at),
            "duration_seconds": None if finished_at is None else round(finished_at - started, 6),
            **status.to_dict(),
            "steps": {step_id: _step_data(step) for step_id, step in status.steps.items()},
        }


def _step_data(step: StepStatus) -> dict[str, Any]:
    """Return a step's status with times as text and the duration in milliseconds."""
    data = asdict(step)
    start, end = step.started_at, step.finished_at
    data["started_at"] = None if start is None else iso_time(start)
    data["finished_at"] = None if end is None else iso_time(end)
    data["duration_ms"] = None if start is None or end is None else round((end - start) * 1e3, 3)
    return data

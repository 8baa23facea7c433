"""Whether the kernel killed something for want of memory. Standard library only."""

from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def oom_kills() -> int:
    """Return how many processes the kernel has killed for want of memory, as far as can be seen.

    The control group's own count where it can be read (version 2: `memory.events`, version 1:
    `memory.oom_control`), else that of the whole machine (`/proc/vmstat`). Only the difference
    between two calls means anything.
    """
    for path in _counters():
        try:
            lines = path.read_text("ascii").splitlines()
        except (OSError, UnicodeError):
            continue
        for line in lines:
            name, _, count = line.partition(" ")
            if name == "oom_kill" and count.isdigit():
                return int(count)
    return 0


def _counters() -> Iterator[Path]:
    for path in _own_groups():
        yield _CGROUPS / path / "memory.events"
        yield _CGROUPS / "memory" / path / "memory.oom_control"
    yield _CGROUPS / "memory.events"
    yield _CGROUPS / "memory" / "memory.oom_control"
    yield Path("/proc/vmstat")


def _own_groups() -> Iterator[str]:
    """Yield this process's groups, relative to the mount: `/proc/self/cgroup`."""
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except (OSError, UnicodeError):
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if path != "/" and (not controllers or "memory" in controllers.split(",")):
            yield path.lstrip("/")

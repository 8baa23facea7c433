"""Limits on memory, processes and processor time by control groups, version 1 or 2, where possible.

Sources: Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst of Linux, proc_pid_mountinfo(5).
"""

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LOG = logging.getLogger("osiris.sandbox")
_PERIOD: Final = 100_000
_UNIFIED: Final = 2
"""Version 2: one hierarchy for all controllers."""
_GOING: Final = 5.0
_INSIDE: Final = {1: Path("/sys/fs/cgroup/memory"), 2: Path("/sys/fs/cgroup")}
"""Where a process looks for its memory group, by the version."""


@dataclass(frozen=True)
class Resources:
    """What is limited: bytes of memory, processes and threads, cores; None is no limit."""

    memory_bytes: int | None = None
    pids: int | None = None
    cpus: float | None = None


@dataclass(frozen=True)
class _Setting:
    """A file of a group and what is written to it; an optional one may be missing."""

    file: str
    value: str
    optional: bool = False


class ControlGroup:
    """The groups of one sandbox, one directory a hierarchy.

    Attributes:
        limited: names of the resources that are limited: `memory`, `pids`, `cpu`.
        memory: (the directory here that counts memory, where it is expected inside), or None.

    """

    def __init__(self) -> None:
        self._directories: dict[Path, None] = {}
        self.limited: set[str] = set()
        self.memory: tuple[Path, Path] | None = None

    @classmethod
    def make(cls, name: str, resources: Resources) -> "ControlGroup":
        """Make the groups that limit the resources, as far as this process may."""
        group = cls()
        for controller in ("memory", "pids", "cpu"):
            for version, parent in _hierarchies(controller):
                settings = _settings(version, controller, resources)
                if settings and group._limit(controller, version, parent / name, settings):
                    break
        return group

    @property
    def entrances(self) -> list[Path]:
        """The files through which a process joins."""
        return [directory / "cgroup.procs" for directory in self._directories]

    def close(self) -> None:
        """Remove the groups once their last process has gone."""
        end = time.monotonic() + _GOING
        for directory in self._directories:
            while directory.exists():
                with suppress(OSError):
                    directory.rmdir()
                    break
                if time.monotonic() > end:
                    _LOG.warning("%s could not be removed", directory)
                    break
                time.sleep(0.01)

    def _limit(
        self, controller: str, version: int, directory: Path, settings: list[_Setting]
    ) -> bool:
        """Make one group, set its limits, and tell whether that was possible."""
        try:
            if version == _UNIFIED:
                _delegate(controller, directory.parent)
            directory.mkdir(exist_ok=True)
            self._directories[directory] = None
            for setting in settings:
                if not setting.optional or (directory / setting.file).exists():
                    (directory / setting.file).write_text(setting.value, "ascii")
        except OSError as error:
            _LOG.debug("no limit on %s in %s: %s", controller, directory.parent, error)
            return False
        self.limited.add(controller)
        if controller == "memory":
            self.memory = (directory, _INSIDE[version])
        return True


def _settings(version: int, controller: str, resources: Resources) -> list[_Setting]:
    memory, pids, cpus = resources.memory_bytes, resources.pids, resources.cpus
    if controller == "memory" and memory is not None:
        if version == 1:
            swap = _Setting("memory.memsw.limit_in_bytes", str(memory), optional=True)
            return [_Setting("memory.limit_in_bytes", str(memory)), swap]
        swap = _Setting("memory.swap.max", "0", optional=True)
        return [_Setting("memory.max", str(memory)), swap]
    if controller == "pids" and pids is not None:
        return [_Setting("pids.max", str(pids))]
    if controller == "cpu" and cpus is not None:
        quota = round(cpus * _PERIOD)
        if version == 1:
            period = _Setting("cpu.cfs_period_us", str(_PERIOD))
            return [period, _Setting("cpu.cfs_quota_us", str(quota))]
        return [_Setting("cpu.max", f"{quota} {_PERIOD}")]
    return []


def _delegate(controller: str, parent: Path) -> None:
    """Let the groups below one have a controller (version 2)."""
    control = parent / "cgroup.subtree_control"
    if controller not in control.read_text("ascii").split():
        control.write_text(f"+{controller}", "ascii")


def _hierarchies(controller: str) -> Iterator[tuple[int, Path]]:
    """Yield (version, this process's own group) of each hierarchy that has the controller."""
    own = _own_groups()
    for mount_root, mount, kind, options in _mounts():
        if kind == "cgroup" and controller in options:
            version, group = 1, own.get(controller)
        elif kind == "cgroup2":
            version, group = 2, own.get("")
        else:
            continue
        if group is not None:
            directory = mount / group.removeprefix(mount_root.rstrip("/")).lstrip("/")
            if version == 1 or controller in _controllers(directory):
                yield version, directory


def _controllers(directory: Path) -> list[str]:
    try:
        return (directory / "cgroup.controllers").read_text("ascii").split()
    except OSError:
        return []


def _own_groups() -> dict[str, str]:
    """Return this process's group by controller (version 1) and under "" (version 2)."""
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return {}
    found: dict[str, str] = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        found |= dict.fromkeys(controllers.split(","), path)
    return found


def _mounts() -> Iterator[tuple[str, Path, str, list[str]]]:
    """Yield (root in the file system, mount point, file system, its options) of what is mounted."""
    try:
        lines = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        yield before.split()[3], Path(before.split()[4]), kind, options.split(",")

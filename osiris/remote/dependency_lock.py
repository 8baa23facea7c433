"""Locking packages at this host's versions, with their hashes, for the Python of a sandbox.

pip itself is asked which files it would take (`--dry-run --report`), so its own configuration,
mirrors and credentials apply; https://pip.pypa.io/en/stable/reference/installation-report/.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osiris.core.errors import RunEnvironmentError

_SECONDS = 300
_OLDEST_GLIBC = 5
_ALIASES = ("manylinux2014", "manylinux2010", "manylinux1")


class LockError(RunEnvironmentError):
    """The packages a sandbox needs cannot be locked here."""

    code = "environment.lock"


@dataclass(frozen=True)
class Target:
    """The Python that packages are for.

    Attributes:
        python: `major.minor`.
        platforms: platform tags of wheels it can use, best first; empty for this host's own.

    """

    python: str
    platforms: tuple[str, ...] = ()

    @classmethod
    def of(cls, major: int, minor: int, platform: str, libc: str, version: str) -> "Target":
        """Return the target of a Linux Python.

        Args:
            major: of its version.
            minor: of its version.
            platform: `sysconfig.get_platform()`, for instance `linux-x86_64`.
            libc: `platform.libc_ver()`'s first half, `glibc` or empty (musl).
            version: its second half.

        """
        machine = platform.removeprefix("linux-").replace("-", "_").replace(".", "_")
        newest = int(version.split(".")[1]) if libc == "glibc" and "." in version else 0
        tags = [f"manylinux_2_{n}_{machine}" for n in range(newest, _OLDEST_GLIBC - 1, -1)]
        tags += [f"{alias}_{machine}" for alias in _ALIASES if newest]
        return cls(f"{major}.{minor}", (*tags, f"linux_{machine}"))

    def options(self, directory: str) -> list[str]:
        """Return pip's options for it; `directory` is where nothing will be installed."""
        if not self.platforms:
            return []
        chosen = [f"--platform={platform}" for platform in self.platforms]
        python = (f"--python-version={self.python}", "--implementation=cp")
        return [*python, *chosen, f"--target={directory}"]


def hash_lock(requires: Mapping[str, str], target: Target) -> list[str]:
    """Return the lines of a requirements file: `name==version --hash=sha256:…`, sorted.

    Raises `LockError` when there is no pip here, or it does not find one of the packages.
    """
    if not requires:
        return []
    with tempfile.TemporaryDirectory(prefix="osiris-lock-") as directory:
        report = _report(requires, target.options(directory))
    lines = []
    for item in report.get("install", ()):
        metadata, archive = item["metadata"], item["download_info"]["archive_info"]
        digest = archive["hashes"]["sha256"]
        lines.append(f"{metadata['name']}=={metadata['version']} --hash=sha256:{digest}")
    return sorted(lines)


def _report(requires: Mapping[str, str], options: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--report=-"]
    command += ["--no-deps", "--ignore-installed", "--only-binary=:all:", "--no-input"]
    command += ["--disable-pip-version-check", *options]
    command += [f"{name}=={version}" for name, version in sorted(requires.items())]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
        report: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise _unlockable(str(error)) from error
    if not report:
        raise _unlockable(done.stderr.decode("utf-8", "replace").strip()[-1000:])
    return report


def _unlockable(why: str) -> LockError:
    return LockError(
        f"the packages that the sandbox needs cannot be locked: {why}",
        hint="pip is asked for them (`python -m pip --version`), with its own configuration; "
        "or build a template that holds them: `osiris e2b build-template`",
    )

"""Programs that the tests need, installed from Debian's packages where that is possible."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

# Where Debian keeps servers; not on everyone's PATH.
_SBIN = "/usr/sbin:/usr/local/sbin:/sbin"
_POSTGRESQL = Path("/usr/lib/postgresql")  # a directory for each major version


class MissingProgramError(RuntimeError):
    """A program is not there and could not be installed; the message says how to get it."""


def find_program(name: str) -> str | None:
    """The path of a program, servers in sbin included; None when it is not there."""
    newest_first = sorted(_POSTGRESQL.glob("*/bin"), key=lambda x: (len(str(x)), x), reverse=True)
    places = [os.environ.get("PATH", os.defpath), _SBIN, *map(str, newest_first)]
    return shutil.which(name, path=":".join(places))


def ensure_programs(packages: Mapping[str, str]) -> None:
    """Install the Debian package of each program that is missing, once at a time.

    Args:
        packages: program name to Debian package name.

    Raises:
        MissingProgramError: not root, no apt-get, or the installation failed.
    """
    missing = _missing(packages)
    if not missing:
        return
    command = f"apt-get install {' '.join(sorted(set(missing.values())))}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        message = f"the tests need {', '.join(missing)}; as root run: {command}"
        raise MissingProgramError(message)
    with (Path(tempfile.gettempdir()) / "osiris-tests-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Another worker may have installed it while this one waited.
        if still_missing := _missing(packages):
            _install(sorted(set(still_missing.values())))


def _missing(packages: Mapping[str, str]) -> dict[str, str]:
    return {program: name for program, name in packages.items() if find_program(program) is None}


def _install(packages: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "--quiet", *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            message = f"apt-get {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"
            raise MissingProgramError(message)

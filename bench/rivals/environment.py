"""A virtual environment for one rival, made once and kept below `build/`."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_KEPT: Final = Path(__file__).parents[2] / "build" / "rivals"
_REQUIREMENTS: Final = Path(__file__).parent / "requirements"
_INSTALL_SECONDS: Final = 900


class CannotInstallError(RuntimeError):
    """A rival's packages cannot be had on this machine; the message is pip's last line."""


@dataclass(frozen=True)
class Environment:
    """Where one rival is installed."""

    directory: Path

    def program(self, name: str) -> str:
        """Return the path of an installed program."""
        return str(self.directory / "bin" / name)

    def package_file(self, path: str) -> str:
        """Return the path of a file that a package holds, relative to site-packages."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return str(self.directory / "lib" / version / "site-packages" / path)


def install(rival: str, kept: Path = _KEPT, requirements: Path = _REQUIREMENTS) -> Environment:
    """Install what `requirements/<rival>.txt` pins, unless an earlier call did.

    Raises:
        CannotInstallError: pip could not; nothing is left behind, so the next call tries again.
    """
    pins = requirements / f"{rival}.txt"
    digest = hashlib.sha256(f"{sys.version}\n{pins.read_text()}".encode()).hexdigest()[:12]
    directory = kept / f"{rival}-{digest}"
    ready = directory / "ready"
    if not ready.exists():
        shutil.rmtree(directory, ignore_errors=True)
        try:
            _run(sys.executable, "-m", "venv", str(directory))
            pip = (str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet")
            _run(*pip, "--disable-pip-version-check", "--requirement", str(pins))
        except CannotInstallError:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        ready.touch()
    return Environment(directory)


def version(rival: str, requirements: Path = _REQUIREMENTS) -> str:
    """Return the pinned version of the rival itself, which is the first line of its file."""
    return (requirements / f"{rival}.txt").read_text().splitlines()[0].rpartition("==")[2]


def _run(*argv: str) -> None:
    try:
        subprocess.run(
            argv,
            check=True,
            env={**os.environ, "PIP_NO_INPUT": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines()
        raise CannotInstallError(said[-1] if said else f"exit code {error.returncode}") from error
    except subprocess.TimeoutExpired as error:
        raise CannotInstallError(f"not installed after {_INSTALL_SECONDS} s") from error

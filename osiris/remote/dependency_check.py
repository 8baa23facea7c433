"""Whether the packages a run needs are here at the exact versions, and how they get here.

Standard library only: the runner uses it before anything is installed.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

_FOR_PIP = re.compile(r"PATH|HOME|PIP_\w+|SSL_CERT_(FILE|DIR)|(?i:https?_proxy|no_proxy|all_proxy)")


def wrong_packages(requires: Mapping[str, str]) -> dict[str, str | None]:
    """Return the distributions that are not here at the version asked for, with what is here."""
    if not requires:
        return {}
    import importlib.metadata  # noqa: PLC0415 - 10 ms, for nothing where packages are the host's

    importlib.invalidate_caches()
    found: dict[str, str | None] = {}
    for name in sorted(requires):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return {name: here for name, here in found.items() if here != requires[name]}


def lock_of(lock: Iterable[str], names: Iterable[str]) -> str:
    """Return the lines of a pip requirements file that pin the distributions named."""
    wanted = {normalized(name) for name in names}
    return "".join(f"{line}\n" for line in lock if normalized(line.partition("==")[0]) in wanted)


def normalized(name: str) -> str:
    """Return a distribution's name as comparisons want it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def install_command(requirements: Path, target: Path) -> list[str]:
    """Return the command that installs exactly what is locked, hashes checked, nothing else."""
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-input"]
    options += ["--disable-pip-version-check", "--no-cache-dir", "--no-compile", "--quiet"]
    pip = [sys.executable, "-I", "-m", "pip", "install", *options]
    return [*pip, "--target", str(target), "--requirement", str(requirements)]


def install_environment() -> dict[str, str]:
    """Return what pip may see of the environment: how to reach an index, no variable of the run."""
    return {name: value for name, value in os.environ.items() if _FOR_PIP.fullmatch(name)}

"""axe-core, the accessibility checker, from npm."""

import fcntl
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page

VERSION: Final = "4.14.1"


class NoAxeError(RuntimeError):
    """axe-core is not there and npm cannot bring it; the message says why."""


def axe_source(cache: Path) -> str:
    """Return axe's script, installed into a cache by npm when it is not there yet."""
    script = cache / VERSION / "node_modules" / "axe-core" / "axe.min.js"
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.is_file():
            _install(cache / VERSION)
    return script.read_text("utf-8")


def _install(directory: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NoAxeError("the accessibility tests need npm (Node.js) to install axe-core")
    directory.mkdir(parents=True, exist_ok=True)
    options = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--silent")
    done = subprocess.run(
        [npm, "install", *options, f"axe-core@{VERSION}"],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NoAxeError(f"npm could not install axe-core {VERSION}: {done.stderr[-500:]}")


def findings(page: Page, source: str) -> list[dict[str, Any]]:
    """Return what axe finds on a page: its rule, how bad, and where."""
    page.evaluate(source)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        {
            "rule": one["id"],
            "impact": one["impact"],
            "where": [node["html"][:200] for node in one["nodes"][:3]],
            "why": one["nodes"][0]["failureSummary"][:300],
        }
        for one in found["violations"]
    ]

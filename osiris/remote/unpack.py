"""Putting what the bundle brings where the run wants it, and telling what is here.

Standard library only: the runner uses it before anything is installed.
"""

import hashlib
import json
import shutil
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from osiris.remote.dependency_check import wrong_packages
from osiris.remote.rpc_protocol import PROTOCOL, PrepareCommand, parse_command
from osiris.remote.session_paths import SessionPaths

SESSION: Final = "session/"
"""Where files of the session's directory lie in the bundle."""

INPUTS: Final = "inputs.json"
"""Which input files there are: a list of `{path, bytes, sha256, member, upload}` in the bundle."""

_CHUNK = 1024 * 1024


class UnpackError(Exception):
    """Something that was brought cannot be put where it belongs; the text says why."""


def unpack(paths: SessionPaths) -> None:
    """Unpack the session's files and the inputs; doing it again does no harm."""
    with zipfile.ZipFile(paths.bundle) as bundle:
        for name in bundle.namelist():
            if name.startswith(SESSION):
                _write(bundle, name, paths.root / name.removeprefix(SESSION))
        for item in json.loads(bundle.read(INPUTS)):
            _place(bundle, item, paths)
    prepare = read_prepare(paths)
    if not Path(prepare.base_dir).is_dir():
        Path(prepare.base_dir).mkdir(parents=True)


def readiness(prepare: PrepareCommand) -> dict[str, Any]:
    """Return what a host must know: `{"protocol", "python", "wrong"}`.

    The version spoken here, Python's version, and the packages that are not here at the version
    asked for.
    """
    return {
        "protocol": PROTOCOL,
        "python": list(sys.version_info[:3]),
        "wrong": wrong_packages(prepare.requires),
    }


def read_prepare(paths: SessionPaths) -> PrepareCommand:
    """Return the prepare command; raise `UnpackError` when there is none."""
    for line in paths.layout.commands.read_bytes().splitlines():
        command = parse_command(line)
        if isinstance(command, PrepareCommand):
            return command
    raise UnpackError(f"{paths.layout.commands} holds no prepare command")


def _write(bundle: zipfile.ZipFile, name: str, target: Path) -> None:
    if name.endswith("/"):
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(bundle.read(name))


def _place(bundle: zipfile.ZipFile, item: Mapping[str, Any], paths: SessionPaths) -> None:
    """Put one input file at its path, from the bundle or from its upload, once it is checked."""
    target = Path(item["path"])
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if item["member"] is not None:
            _write(bundle, item["member"], target)
            return
        upload = paths.uploads / item["upload"]
        if not upload.exists() and target.exists():
            return  # this is not the first time
        size, digest = _facts(upload)
        if (size, digest) != (item["bytes"], item["sha256"]):
            raise UnpackError(f"{target} arrived damaged: {size} bytes, SHA-256 {digest}")
        shutil.move(upload, target)
    except OSError as error:
        raise UnpackError(f"cannot write {target}: {error.strerror or error}") from error


def _facts(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()

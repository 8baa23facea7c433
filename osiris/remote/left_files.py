"""What lies in a directory of artifacts when the run is over. Standard library only."""

import hashlib
import os
import stat
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

PART: Final = ".part"
_MOST: Final = 20_000
_CHUNK: Final = 1024 * 1024


def left_files(
    run: Path, artifacts: Path, told: Collection[str], beat: Callable[[], None]
) -> dict[str, Any]:
    """Return the directories below `artifacts` and the files that nobody told of.

    `beat` is called again and again meanwhile.

    Paths are relative to `run`, with forward slashes. `files` are `{path, bytes, sha256}`, `others`
    what is neither file nor directory (links among them); half-written files (`.part`) are left
    out, and `cut` says whether there was more than can be listed.
    """
    found: dict[str, Any] = {"directories": [], "files": [], "others": [], "cut": False}
    count = 0
    for directory, names, files in os.walk(artifacts):
        names.sort()
        for name in (*names, *sorted(files)):
            count += 1
            if count > _MOST:
                found["cut"] = True
                return found
            _add(Path(directory, name), run, told, found, beat)
    return found


def copies(run: Path, directory: Path, beat: Callable[[], None]) -> list[dict[str, Any]]:
    """Return `{path, bytes, sha256}` of each file below a directory; paths as in `left_files`."""
    found = []
    for place, _, files in os.walk(directory):
        for path in (Path(place, name) for name in files):
            with suppress(OSError):
                if stat.S_ISREG(path.lstat().st_mode):
                    relative = path.relative_to(run).as_posix()
                    found.append({"path": relative, **_facts(path, beat)})
    return found


def _add(
    path: Path,
    run: Path,
    told: Collection[str],
    found: dict[str, Any],
    beat: Callable[[], None],
) -> None:
    relative = path.relative_to(run).as_posix()
    try:
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            found["directories"].append(relative)
        elif not stat.S_ISREG(mode):
            found["others"].append(relative)
        elif relative not in told and not relative.endswith(PART):
            found["files"].append({"path": relative, **_facts(path, beat)})
    except OSError:
        found["others"].append(relative)


def _facts(path: Path, beat: Callable[[], None]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
            size += len(piece)
            beat()
    return {"bytes": size, "sha256": digest.hexdigest()}

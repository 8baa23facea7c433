"""The pointer to what was compiled last: what `--last-compile` reads.

A JSON object: `manifest` is the path of the last manifest, `pipelines` maps the name of every
pipeline to the path of its last manifest; all paths are relative to the project.
"""

import contextlib
import json
import secrets
from pathlib import Path
from typing import Any

from osiris.core.errors import ManifestError
from osiris.core.layout import last_compile_pointer
from osiris.core.regular_file import UnusableFileError, read_regular_file

_LIMIT = 1 << 20


def last_manifest(project: Path, name: str | None = None) -> Path:
    """Return the manifest of the last compilation, or of the last one of the pipeline `name`.

    Raises `ManifestError` when nothing was compiled yet or the pointer leads nowhere.
    """
    pointer = last_compile_pointer(project)
    known = _pointers(pointer)
    relative = known.get("manifest") if name is None else known["pipelines"].get(name)
    if relative is None:
        what = "nothing was compiled" if name is None else f"pipeline {name!r} was not compiled"
        hint = "compile the pipeline first: osiris compile"
        raise ManifestError(f"{what} in {project} yet", hint=hint)
    path: Path = project / relative
    if not path.is_file():
        raise ManifestError(
            f"{pointer} names {relative}, which does not exist",
            hint="compile the pipeline again: osiris compile",
        )
    return path


def pointed_manifests(project: Path) -> set[Path]:
    """Return the manifests that `--last-compile` and the pipelines' names lead to, if any do."""
    try:
        known = _pointers(last_compile_pointer(project))
    except ManifestError:
        return set()
    named = {known.get("manifest"), *known["pipelines"].values()}
    return {project / relative for relative in named if relative is not None}


def point_to(manifest: Path, name: str, project: Path) -> None:
    """Make a manifest the last one of the project and of the pipeline of this name.

    Raises `OSError` when the pointer cannot be written.
    """
    pointer = last_compile_pointer(project)
    relative = manifest.relative_to(project).as_posix()
    try:
        pipelines = _pointers(pointer)["pipelines"]
    except ManifestError:
        pipelines = {}  # a damaged pointer is replaced by a sound one
    kept = {key: value for key, value in pipelines.items() if (project / value).is_file()}
    data = {"manifest": relative, "pipelines": {**kept, name: relative}}
    part = pointer.with_name(f"{pointer.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        part.replace(pointer)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def _pointers(pointer: Path) -> dict[str, Any]:
    """Return what the pointer file says: paths below the project only."""
    try:
        data = json.loads(read_regular_file(pointer, limit=_LIMIT))
        paths = [data["manifest"], *data["pipelines"].values()]
        sound = all(isinstance(path, str) and _is_below(path) for path in paths)
    except FileNotFoundError:
        return {"pipelines": {}}
    except (UnusableFileError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        data, sound = {}, False
    if not sound:
        hint = "compile the pipeline again: osiris compile"
        raise ManifestError(f"{pointer} is damaged", hint=hint)
    return dict(data)


def _is_below(path: str) -> bool:
    return not path.startswith("/") and ".." not in path.split("/") and "\0" not in path

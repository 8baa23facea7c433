"""Compiled pipelines on disk: written whole or not at all, read with suspicion, compared."""

import re
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from osiris.compiler.compile_pointer import last_manifest, point_to
from osiris.compiler.manifest_reader import MANIFEST_LIMITS, check_config, parse_manifest
from osiris.compiler.problem import closest
from osiris.compiler.yaml_reader import Limits
from osiris.core.compiled import CompiledPipeline
from osiris.core.errors import (
    ConnectionConfigError,
    ManifestError,
    PipelineError,
    UnwritableOutputError,
)
from osiris.core.layout import COMPILE_PREFIX, LOGS, CompileLayout
from osiris.core.regular_file import UnusableFileError, read_regular_file

__all__ = [
    "CONNECTIONS",
    "Difference",
    "differences",
    "is_manifest",
    "last_manifest",
    "load_compiled",
    "read_connections",
    "read_pipeline",
    "write_compiled",
]

CONNECTIONS = "osiris_connections.yaml"
"""Name of the connections file in a project."""

_MANIFEST = "manifest.yaml"
_YAML = frozenset({".yaml", ".yml"})
_IS_MANIFEST = re.compile(rb"^[{ \t]*[\"']?osiris_manifest[\"']?[ \t]*:", re.MULTILINE)


@dataclass(frozen=True)
class Difference:
    """One file of the compiled output on disk that is not what the source compiles to now.

    `file` is relative to the compiled directory (`manifest.yaml`, `cfg/extract.json`); `what` is
    `missing`, `different` or `not in the source`.
    """

    file: str
    what: str


def read_pipeline(path: Path) -> bytes:
    """Return the bytes of a pipeline file.

    Raises `PipelineError` when it is missing, not a regular file, unreadable or too large.
    """
    try:
        return read_regular_file(path, limit=MANIFEST_LIMITS.size)
    except FileNotFoundError:
        hint = _near(path) or "check the path; `osiris init` makes a pipeline to start from"
        raise PipelineError(f"{path} does not exist", hint=hint) from None
    except UnusableFileError as error:
        why = "it is a directory" if path.is_dir() else str(error)
        hint = "name the YAML file of a pipeline"
        raise PipelineError(f"cannot read {path}: {why}", hint=hint) from error


def _near(path: Path) -> str | None:
    """Return the proposal of a file beside `path` that may be meant: `pipeline.yaml`."""
    try:
        beside = {p.stem: p for p in sorted(path.parent.iterdir()) if p.suffix in _YAML}
    except OSError:
        return None
    close = closest(path.stem, beside)
    return None if close is None else f"did you mean '{beside[close]}'?"


def read_connections(project: Path) -> tuple[bytes, str] | None:
    """Return bytes and name of the project's connections file, or None when there is none.

    Raises `ConnectionConfigError` when it is there but cannot be read.
    """
    path = project / CONNECTIONS
    try:
        return read_regular_file(path, limit=Limits().size), CONNECTIONS
    except FileNotFoundError:
        return None
    except UnusableFileError as error:
        hint = "it must be a file that can be read"
        raise ConnectionConfigError(f"cannot read {path}: {error}", hint=hint) from error


def is_manifest(data: bytes) -> bool:
    """Tell whether the bytes of a YAML file are meant as a compiled manifest, not as a pipeline."""
    return _IS_MANIFEST.search(data) is not None


def write_compiled(compiled: CompiledPipeline, project: Path) -> Path:
    """Write to a new `logs/compile_<utc>_<4 hex>/compiled/` and point `--last-compile` to it.

    The directory appears whole or not at all. Nothing is fsynced: after a power cut a file may be
    short, which `load_compiled` finds out, and compiling again gives the same bytes. Returns the
    path of the manifest (below `project`). Raises `UnwritableOutputError`.
    """
    logs = project / LOGS
    try:
        logs.mkdir(parents=True, exist_ok=True)
        layout = CompileLayout(_new_directory(compiled, logs))
        point_to(layout.manifest, compiled.manifest.name, project)
    except OSError as error:
        raise UnwritableOutputError(
            f"cannot write the compiled pipeline below {logs}: {error.strerror or error}",
            hint="check the directory's rights and the free space",
        ) from error
    return layout.manifest


def load_compiled(manifest: Path) -> CompiledPipeline:
    """Read a manifest (or the directory that holds `manifest.yaml`) and the cfg files beside it.

    A missing cfg file is left out of `cfgs`, for the preflight to report. Raises `ManifestError`
    when the manifest is missing, damaged or changed by hand, or when a cfg file is not the one
    the manifest names by its SHA-256.
    """
    path = _in_directory(manifest) if manifest.is_dir() else manifest
    data = _read(path)
    if data is None:
        raise ManifestError(f"{path} does not exist", hint="compile the pipeline: osiris compile")
    parsed = parse_manifest(data, str(path))
    cfgs: dict[str, bytes] = {}
    for step in parsed.steps:
        beside = path.parent / step.cfg_path
        config = _read(beside)
        if config is not None:
            check_config(step, config, str(beside))
            cfgs[step.id] = config
    return CompiledPipeline(parsed, data, cfgs, path)


def _in_directory(directory: Path) -> Path:
    """Return the manifest in a directory: a compilation's, `compiled/` in it, or a run's."""
    inner = CompileLayout(directory).manifest
    return inner if inner.is_file() else directory / _MANIFEST


def differences(compiled: CompiledPipeline, manifest: Path) -> list[Difference]:
    """Compare with the compiled output on disk at `manifest`; empty when the bytes are the same.

    Raises `ManifestError` when a file is there and cannot be read.
    """
    root = manifest.parent
    wanted = {manifest.name: compiled.manifest_bytes}
    for step in compiled.manifest.steps:
        wanted[step.cfg_path] = compiled.cfgs[step.id]
    found: list[Difference] = []
    for file, data in wanted.items():
        on_disk = _read(root / file)
        if on_disk != data:
            found.append(Difference(file, "missing" if on_disk is None else "different"))
    for path in sorted((root / "cfg").glob("*.json")):
        file = path.relative_to(root).as_posix()
        if file not in wanted:
            found.append(Difference(file, "not in the source"))
    return found


def _read(path: Path) -> bytes | None:
    try:
        return read_regular_file(path, limit=MANIFEST_LIMITS.size)
    except FileNotFoundError:
        return None
    except UnusableFileError as error:
        hint = "check the file's rights, or compile the pipeline again"
        raise ManifestError(f"cannot read {path}: {error}", hint=hint) from error


def _new_directory(compiled: CompiledPipeline, logs: Path) -> Path:
    while True:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        final = logs / f"{COMPILE_PREFIX}{stamp}_{secrets.token_hex(2)}"
        part = logs / f".{final.name}.{secrets.token_hex(4)}.part"
        if final.exists():
            continue
        try:
            _write_files(compiled, CompileLayout(part))
            part.rename(final)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return final


def _write_files(compiled: CompiledPipeline, layout: CompileLayout) -> None:
    layout.cfg.mkdir(parents=True)
    layout.manifest.write_bytes(compiled.manifest_bytes)
    for step in compiled.manifest.steps:
        (layout.compiled / step.cfg_path).write_bytes(compiled.cfgs[step.id])

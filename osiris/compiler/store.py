"""Compiled pipelines on disk: written whole or not at all, read with suspicion, compared."""

from dataclasses import dataclass
from pathlib import Path

from osiris.core.compiled import CompiledPipeline

CONNECTIONS = "osiris_connections.yaml"
"""Name of the connections file in a project."""


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
    raise NotImplementedError


def read_connections(project: Path) -> tuple[bytes, str] | None:
    """Return bytes and name of the project's connections file, or None when there is none.

    Raises `ConnectionConfigError` when it is there but cannot be read.
    """
    raise NotImplementedError


def is_manifest(data: bytes) -> bool:
    """Tell whether the bytes of a YAML file are meant as a compiled manifest, not as a pipeline."""
    raise NotImplementedError


def write_compiled(compiled: CompiledPipeline, project: Path) -> Path:
    """Write to a new `logs/compile_<utc>_<4 hex>/compiled/` and point `--last-compile` to it.

    The directory appears whole or not at all. Returns the path of the manifest (below `project`).
    Raises `UnwritableOutputError` when the project cannot be written.
    """
    raise NotImplementedError


def load_compiled(manifest: Path) -> CompiledPipeline:
    """Read a manifest (or the directory that holds `manifest.yaml`) and the cfg files beside it.

    A missing cfg file is left out of `cfgs`, for the preflight to report. Raises `ManifestError`
    when the manifest is missing, damaged or changed by hand, or when a cfg file is not the one
    the manifest names by its SHA-256.
    """
    raise NotImplementedError


def last_manifest(project: Path, name: str | None = None) -> Path:
    """Return the manifest of the last compilation, or of the last one of the pipeline `name`.

    Raises `ManifestError` when nothing was compiled yet or the pointer leads nowhere.
    """
    raise NotImplementedError


def differences(compiled: CompiledPipeline, manifest: Path) -> list[Difference]:
    """Compare with the compiled output on disk at `manifest`; empty when the bytes are the same."""
    raise NotImplementedError

"""Compiled output in a directory of the user's choice, where version control can keep it."""

from pathlib import Path

from osiris.core.atomic_file import replace_bytes
from osiris.core.compiled import CompiledPipeline
from osiris.core.errors import StepError, UnwritableOutputError

_MANIFEST = "manifest.yaml"


def write_out(compiled: CompiledPipeline, directory: Path) -> Path:
    """Write manifest and cfg files below `directory`; return the path of the manifest.

    Every file appears whole, the manifest last: it names the SHA-256 of each cfg file, so a
    mixture of two compilations is never taken for one. Configs of steps that are gone are removed
    where a manifest was before. Raises `UnwritableOutputError`.
    """
    manifest = directory / _MANIFEST
    steps = compiled.manifest.steps
    try:
        if manifest.is_file():
            kept = {directory / step.cfg_path for step in steps}
            for path in set((directory / "cfg").glob("*.json")) - kept:
                path.unlink()
        for step in steps:
            replace_bytes(directory / step.cfg_path, compiled.cfgs[step.id])
        replace_bytes(manifest, compiled.manifest_bytes)
    except (StepError, OSError) as error:
        reason = error.message if isinstance(error, StepError) else str(error)
        raise UnwritableOutputError(
            f"cannot write the compiled pipeline: {reason}", hint="check the directory of --out"
        ) from error
    return manifest

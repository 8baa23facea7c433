"""A compiled pipeline in memory: the manifest and the bytes it came with."""

from dataclasses import dataclass
from pathlib import Path

from osiris.core.manifest import Manifest


@dataclass(frozen=True)
class CompiledPipeline:
    """What a run starts from.

    `cfgs` maps step ids to the bytes of their cfg files; a file that was not found is absent, and
    the preflight says so. `source` is where the manifest was read from, for messages only.
    """

    manifest: Manifest
    manifest_bytes: bytes
    cfgs: dict[str, bytes]
    source: Path | None = None

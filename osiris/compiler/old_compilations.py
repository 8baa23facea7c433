"""Which compilations below `logs/` may go: those that nothing needs any more."""

import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from osiris.compiler.compile_pointer import pointed_manifests
from osiris.core.layout import COMPILE_PREFIX, LOGS, CompileLayout
from osiris.core.regular_file import UnusableFileError, read_regular_file

_NAME: Final = re.compile(rf"{COMPILE_PREFIX}\d{{8}}T\d{{6}}Z_[0-9a-f]{{4}}")
_FINGERPRINT: Final = re.compile(rb'^fingerprint: "(sha256:[0-9a-f]{64})"$', re.MULTILINE)
_LARGEST: Final = 1 << 24
FRESH: Final = 3600.0
"""Seconds in which a compilation may be waiting for the run that it was made for."""


@dataclass(frozen=True)
class OldCompilation:
    """A directory `logs/compile_…` that may go."""

    directory: Path

    @cached_property
    def bytes(self) -> int:
        """The bytes of its files."""
        return sum(p.lstat().st_size for p in self.directory.rglob("*") if not p.is_dir())

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready data."""
        name = self.directory.name
        return {"compilation": name, "directory": str(self.directory), "bytes": self.bytes}


def old_compilations(
    project: Path, kept: Iterable[str], older_than: float | None = None
) -> list[OldCompilation]:
    """Return the compilations that may go, the oldest first.

    One stays that `--last-compile` or a pipeline's name leads to, that a run of `kept` (their
    fingerprints) came from, or that was made within the last hour or since `older_than`.
    """
    fingerprints = set(kept)
    before = min(time.time() - FRESH, float("inf") if older_than is None else older_than)
    pointed = pointed_manifests(project)
    return [
        OldCompilation(layout.root)
        for layout in _compilations(project / LOGS)
        if layout.manifest not in pointed and _goes(layout, fingerprints, before)
    ]


def remove_compilations(
    compilations: Iterable[OldCompilation],
) -> Iterator[tuple[OldCompilation, OSError | None]]:
    """Remove compilations one by one; yield each with what kept it from going, if anything did.

    Each is first given another name: a compilation is there whole or not at all.
    """
    for one in compilations:
        aside = one.directory.with_name(f".{one.directory.name}.{secrets.token_hex(4)}.part")
        try:
            _ = one.bytes  # counted while they are there
            one.directory.rename(aside)
            shutil.rmtree(aside)
            yield one, None
        except FileNotFoundError:
            continue  # somebody else removed it
        except OSError as error:
            yield one, error


def _compilations(logs: Path) -> list[CompileLayout]:
    with suppress(OSError):
        names = sorted(path.name for path in logs.iterdir() if _NAME.fullmatch(path.name))
        return [CompileLayout(logs / name) for name in names if not (logs / name).is_symlink()]
    return []


def _goes(layout: CompileLayout, kept: set[str], before: float) -> bool:
    try:
        data = read_regular_file(layout.manifest, limit=_LARGEST)
        made = layout.manifest.stat().st_mtime
    except (OSError, UnusableFileError):
        return False
    found = _FINGERPRINT.search(data)
    return found is not None and made < before and found[1].decode() not in kept

"""Which paths a sandbox may name for a file that comes back; everything else is an attack."""

import re
import unicodedata
from pathlib import PurePosixPath

from osiris.core.layout import RunLayout
from osiris.core.manifest import Manifest
from osiris.remote.errors import HostileSandboxError
from osiris.remote.limits import Limits

_SHA256 = re.compile(r"[0-9a-f]{64}")
_DEPTH = 2
_LONGEST_NAME = 200
_LONGEST_PATH = 1000
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")


class ArtifactPaths:
    """Checks each file that is told: its path, its size, how many there are.

    A path is `artifacts/<step>/…` of a step that exists, relative, without `.` and `..`, and not
    the same as another's on a file system that does not tell upper from lower case. What is a file
    is no directory.
    """

    def __init__(self, manifest: Manifest, layout: RunLayout, limits: Limits) -> None:
        self._steps = manifest.by_id
        self._top = layout.artifacts.name
        self._limits = limits
        self._taken: dict[str, str] = {}
        self._directories: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._total = 0

    def check_file(self, path: str, size: int, sha256: str) -> None:
        """Take note of a file; raise `HostileSandboxError` for one that cannot be believed."""
        self.check_path(path)
        if path.count("/") < _DEPTH:
            raise HostileSandboxError(f"the sandbox tells of a file in place of a step: {path!r}")
        self._check_sound(path, size, sha256)
        folded = _folded(path)
        self._enter(folded.rpartition("/")[0])
        if folded in self._directories:
            raise _both(path)
        other = self._taken.setdefault(folded, path)
        if other != path:
            raise HostileSandboxError(
                f"the sandbox tells of {other!r} and {path!r}: one file where case does not count"
            )
        self._count(path, size)

    def check_facts(self, path: str, size: int, sha256: str) -> None:
        """Take note of a file whose path is known; raise `HostileSandboxError` as for any other."""
        self._check_sound(path, size, sha256)
        self._count(path, size)

    def _check_sound(self, path: str, size: int, sha256: str) -> None:
        if not _SHA256.fullmatch(sha256):
            raise HostileSandboxError(f"the sandbox tells no SHA-256 of {path!r}")
        if not 0 <= size <= self._limits.file_bytes:
            raise self._too_much(f"{path!r} has {size} bytes", self._limits.file_bytes)

    def _count(self, path: str, size: int) -> None:
        self._total += size - self._sizes.get(path, 0)
        self._sizes[path] = size
        if len(self._sizes) > self._limits.files:
            raise self._too_much("more files are told", self._limits.files)
        if self._total > self._limits.total_bytes:
            raise self._too_much("all files together are larger", self._limits.total_bytes)

    def check_directory(self, path: str) -> None:
        """Take note of a directory; raise `HostileSandboxError` for one that cannot be."""
        self.check_path(path)
        self._enter(_folded(path))

    def _enter(self, directory: str) -> None:
        """Take note of a directory and of those around it: none of them is a file."""
        while directory:
            if directory in self._taken:
                raise _both(self._taken[directory])
            self._directories.add(directory)
            directory = directory.rpartition("/")[0]

    def check_path(self, path: str) -> None:
        """Raise `HostileSandboxError` for a path that is not a step's."""
        parts = path.split("/")
        plain = str(PurePosixPath(path)) == path and not _FORBIDDEN.search(path)
        sized = len(path) <= _LONGEST_PATH and all(len(part) <= _LONGEST_NAME for part in parts)
        inside = parts[0] == self._top and len(parts) > 1 and parts[1] in self._steps
        if not (plain and sized and inside) or not _encodable(path) or {".", ".."} & set(parts):
            raise HostileSandboxError(f"the sandbox tells of a file at {path!r:.300}")

    def _too_much(self, what: str, most: int) -> HostileSandboxError:
        return HostileSandboxError(f"{what} than are taken from a sandbox: {most} at most")


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()


def _both(path: str) -> HostileSandboxError:
    return HostileSandboxError(f"the sandbox tells of {path!r} as a file and as a directory")


def _encodable(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True

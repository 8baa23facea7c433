"""The files of a run's directory: what each is, its size, its SHA-256."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from osiris.core.layout import RunLayout
from osiris.core.regular_file import UnusableFileError, open_regular_file

FILE = "file"
_CHUNK = 1024 * 1024
_UNREADABLE = "unreadable"


@dataclass(frozen=True)
class FileFact:
    """One file; `kind` is `FILE`, or what is in place of a file that can be read.

    `sha256` is None for what is no file, and for files whose bytes are not compared.
    """

    path: str
    kind: str
    size: int | None = None
    sha256: str | None = None

    @property
    def is_doubtful(self) -> bool:
        """Whether the file may be anything: it could not be looked at."""
        return self.kind.startswith(_UNREADABLE)

    def __str__(self) -> str:
        if self.sha256 is None:
            return self.kind
        return f"{self.size:,} bytes, sha256 {self.sha256}"


def file_facts(layout: RunLayout) -> dict[str, FileFact]:
    """Return all files of the directory by their relative path; links are not followed.

    Empty directories do not count. Only the manifest, configs and artifacts are read.
    """
    found = {}
    for path, kind in _entries(layout.root):
        name = layout.relative(path)
        if kind == FILE and is_compared(name, layout):
            found[name] = _fact(path, name)
        else:
            found[name] = FileFact(name, kind)
    return dict(sorted(found.items()))


def is_compared(name: str, layout: RunLayout) -> bool:
    """Tell whether the bytes of a file must be the same in both runs."""
    top = name.partition("/")[0]
    return top in {layout.manifest.name, layout.cfg.name, layout.artifacts.name}


def _fact(path: Path, name: str) -> FileFact:
    try:
        with open_regular_file(path, follow=False) as file:
            digest = hashlib.sha256()
            while piece := file.read(_CHUNK):
                digest.update(piece)
            return FileFact(name, FILE, file.tell(), digest.hexdigest())
    except FileNotFoundError:
        return FileFact(name, f"{_UNREADABLE}: it is gone")
    except (OSError, UnusableFileError) as error:
        return FileFact(name, f"{_UNREADABLE}: {getattr(error, 'strerror', None) or error}")


def _entries(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield what is below a directory, but for directories that can be read."""
    pending = [root]
    while pending:
        directory = pending.pop()
        try:
            inside = sorted(directory.iterdir())
        except OSError as error:
            yield directory, f"{_UNREADABLE} directory: {error.strerror}"
            continue
        for path in inside:
            kind = _kind(path)
            if kind == "directory":
                pending.append(path)
            else:
                yield path, kind


def _kind(path: Path) -> str:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return f"link to {os.readlink(path)}"  # noqa: PTH115 - the text itself, not a Path of it
    except OSError as error:
        return f"{_UNREADABLE}: {error.strerror}"
    for matches, kind in _KINDS:
        if matches(mode):
            return kind
    return "special file"


_KINDS = (
    (stat.S_ISREG, FILE),
    (stat.S_ISDIR, "directory"),
    (stat.S_ISFIFO, "pipe"),
    (stat.S_ISSOCK, "socket"),
)

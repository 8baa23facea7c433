"""The files that a step reads: found by path or pattern, and known again afterwards."""

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from osiris.components.s3_connection import S3Connection
from osiris.core.cancel import CancelToken
from osiris.core.errors import ConfigError, DataError
from osiris.core.project_path import in_project

Stamp = tuple[int, int, int]
"""What a file was when it was found: (inode, size in bytes, time of the last change in ns)."""


def stamp(path: Path) -> Stamp:
    """Return what the file is now; raise `OSError` when it is not there."""
    status = path.stat()
    return (status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class SourceFile:
    """One file of a step.

    Attributes:
        name: what messages call it: as the project names it.
        path: where its bytes lie on this machine.
        stamp: what it was when it was found.

    """

    name: str
    path: Path
    stamp: Stamp

    @classmethod
    def here(cls, path: Path, base_dir: Path) -> "SourceFile":
        """Return a file of this machine; raise `OSError` when it is not there."""
        return cls(in_project(path, base_dir), path, stamp(path))

    def named(self, text: str) -> str:
        """Return what a library said of the file, with its name in place of where it lies."""
        return text.replace(str(self.path), self.name)

    def fault(self) -> DataError | None:
        """Return what happened to the file since it was found, if anything did."""
        return changed(self.name, self.path, self.stamp)


def changed(name: str, path: Path, before: Stamp) -> DataError | None:
    """Return what happened to a file since it had this stamp, if anything did."""
    try:
        now = stamp(path)
    except OSError as error:
        return DataError(
            f"{name} cannot be read any more: {error.strerror}",
            hint="run again when nothing moves or deletes it",
        )
    if now == before:
        return None
    return DataError(f"{name} changed while it was read", hint="run again when nothing writes it")


def find_file(path: str, base_dir: Path) -> SourceFile:
    """Return the one file that a path names; raise `ConfigError` when there is none."""
    named = base_dir / path
    hint = "check the step's `path`, relative to the project"
    try:
        file = SourceFile.here(named, base_dir)
    except OSError as error:
        name = in_project(named, base_dir)
        raise ConfigError(f"cannot read {name}: {error.strerror}", hint=hint) from error
    if named.is_dir():
        raise ConfigError(f"{file.name} is a directory", hint=hint)
    return file


class FilePlace(Protocol):
    """Where files are looked for and copied to: a step's context, or a discovery's."""

    @property
    def base_dir(self) -> Path:
        """Directory that relative paths refer to."""

    @property
    def spill_dir(self) -> Path:
        """Directory for copies."""

    @property
    def cancelled(self) -> CancelToken:
        """Switched when the work should stop."""


def source_files(
    path: str, connection: S3Connection | None, place: FilePlace, *, suffix: str
) -> list[SourceFile]:
    """Return the files that a step's path or pattern names, of a bucket where one is named.

    What lies in a bucket is copied below `place.spill_dir`. Raises `ConfigError` when there is
    none, and what the bucket's store answers.
    """
    if connection is None:
        base_dir = place.base_dir
        return [
            SourceFile.here(found, base_dir) for found in find_files(path, base_dir, suffix=suffix)
        ]
    from osiris.core.s3.transfer import fetched_files  # noqa: PLC0415 - TLS takes 20 ms to import

    return fetched_files(
        path,
        connection,
        base_dir=place.base_dir,
        spill_dir=place.spill_dir,
        cancelled=place.cancelled,
    )


def find_files(path: str, base_dir: Path, *, suffix: str) -> list[Path]:
    """Return the files that a path or pattern names, in the order of their names.

    A path that is a file is that file, whatever characters it has. Raises `ConfigError` when there
    is none, or when one cannot be opened; its hint proposes files that end with `suffix`.
    """
    named = base_dir / path
    if named.is_file() or not glob.has_magic(path):
        found = [named]
    else:
        # `**` needs glob: pathlib's own order of results is not told.
        matches = glob.glob(path, root_dir=base_dir, recursive=True)  # noqa: PTH207 - as said above
        found = sorted(p for p in (base_dir / match for match in matches) if p.is_file())
        if not found:
            raise ConfigError(
                f"no file matches {in_project(named, base_dir)}",
                hint="check the step's `path`, relative to the project",
            )
    for file in found:
        _check_openable(file, in_project(file, base_dir), suffix)
    return found


def _check_openable(path: Path, name: str, suffix: str) -> None:
    if path.is_dir():
        raise ConfigError(
            f"{name} is a directory", hint=f"to read the files in it: {name}/*{suffix}"
        )
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise ConfigError(
            f"cannot read {name}: {error.strerror}",
            hint="check the step's `path`, relative to the project, and the file's rights",
        ) from error

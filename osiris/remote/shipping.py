"""Bringing a host's files into a sandbox: what it reads elsewhere, copies of what it changes."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from osiris.core.errors import RunEnvironmentError
from osiris.remote.bundle import ShippedFile
from osiris.remote.input_files import InputFile
from osiris.remote.session_paths import SessionPaths

_SMALL: Final = 1024 * 1024
"""Bytes up to which a file travels in the bundle."""

_MOST_IN_BUNDLE: Final = 32 * 1024 * 1024
_CHUNK: Final = 1024 * 1024


class UnshippableInputError(RunEnvironmentError):
    """A step reads something that cannot be brought into a sandbox: a socket, a device."""

    code = "environment.unshippable_input"


def places_of(inputs: Iterable[InputFile], paths: SessionPaths) -> dict[str, InputFile]:
    """Return the input files by their paths inside.

    A path that the config names by an absolute path is the same inside; any other lies below
    `paths.files`, where the engine's base directory is.
    """
    return {_inside(file, paths): file for file in inputs}


def shipped_files(by_path: Mapping[str, InputFile]) -> list[ShippedFile]:
    """Return how each file gets to its path inside.

    Raises `UnshippableInputError` for what is no plain file, or cannot be read.
    """
    return list(_shipped(by_path))


def _shipped(by_path: Mapping[str, InputFile]) -> Iterator[ShippedFile]:
    left = _MOST_IN_BUNDLE
    for number, (inside, file) in enumerate(sorted(by_path.items())):
        size, digest, data = _read(file, min(_SMALL, left))
        if data is not None:
            left -= size
        upload = str(number) if data is None else None
        yield ShippedFile(file.path, inside, size, digest, data, upload)


def _inside(file: InputFile, paths: SessionPaths) -> str:
    if file.named_absolutely:
        return str(file.path)
    return str(paths.files / file.path.relative_to("/"))


def _read(file: InputFile, small: int) -> tuple[int, str, bytes | None]:
    """Return a file's size, SHA-256 and, when it is small, its contents."""
    if not file.is_regular:
        what = "a Unix socket of this machine" if file.is_socket else "not a plain file"
        raise UnshippableInputError(
            f"step {file.step_id!r} reads {file.path}, which is {what}: no remote sandbox can",
            hint="name a host and a port instead of a socket; or run it here, or with --sandbox",
        )
    try:
        return _contents(file.path, small)
    except OSError as error:
        raise UnshippableInputError(
            f"step {file.step_id!r}: cannot read {file.path}: {error.strerror}",
            hint="check the file's rights",
        ) from error


def _contents(path: Path, small: int) -> tuple[int, str, bytes | None]:
    digest, size, kept = hashlib.sha256(), 0, bytearray()
    with path.open("rb") as source:
        while piece := source.read(_CHUNK):
            digest.update(piece)
            size += len(piece)
            if size <= small:
                kept += piece
    return size, digest.hexdigest(), bytes(kept) if size <= small else None

"""The bundle: everything a run brings into its sandbox, as one archive, named by its contents."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from osiris.remote.compiled_code import compiled
from osiris.remote.component_code import CodePackage
from osiris.remote.import_closure import imported
from osiris.remote.unpack import INPUTS, SESSION

_WHEN: Final = (1980, 1, 1, 0, 0, 0)
"""The oldest time a zip archive can hold: that of every file, so that it says nothing."""

_MODE: Final = 0o100644 << 16
_UNIX: Final = 3


@dataclass(frozen=True)
class Bundle:
    """An archive and the SHA-256 of its bytes in hex."""

    data: bytes
    sha256: str


class BundleWriter:
    """Makes a zip archive: the same bytes for the same members added in the same order, always."""

    def __init__(self, *, compress: bool) -> None:
        self._method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
        self._data = io.BytesIO()

    def add(self, members: Mapping[str, bytes]) -> None:
        """Add members, sorted by name."""
        with zipfile.ZipFile(self._data, "a", self._method) as file:
            for name in sorted(members):
                info = zipfile.ZipInfo(name, _WHEN)
                info.compress_type = self._method
                info.create_system = _UNIX
                info.external_attr = _MODE
                file.writestr(info, members[name])

    def bundle(self) -> Bundle:
        """Return the archive as it is now."""
        return Bundle(self._data.getvalue(), hashlib.sha256(self._data.getbuffer()).hexdigest())


def code_members(packages: Iterable[CodePackage], roots: Iterable[str]) -> dict[str, bytes]:
    """Return the code and what lets its entry points be found, to be imported from the archive.

    `roots` are modules that will be imported: they and what they import are there compiled, too.
    """
    files: dict[str, Path] = {}
    members: dict[str, bytes] = {}
    for package in packages:
        files |= package.files
        members |= {name: text.encode() for name, text in package.metadata().items()}
    members |= {name: path.read_bytes() for name, path in files.items()}
    modules = {_module(name): name for name in files if name.endswith(".py")}
    sources = {module: members[name].decode(errors="replace") for module, name in modules.items()}
    for module in imported(sources, roots):
        code = compiled(files[modules[module]])
        if code is not None:
            members[f"{modules[module]}c"] = code
    return members


def _module(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def session_members(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return files of the session's directory, by their path in it."""
    return {SESSION + name: data for name, data in files.items()}


def metadata_members(packages: Iterable[CodePackage], directory: str) -> dict[str, bytes]:
    """Return what lets entry points be found of code that does not travel, below a directory."""
    return session_members(
        {
            f"{directory}/{name}": text.encode()
            for package in packages
            for name, text in package.metadata().items()
        }
    )


# --- input files ---


@dataclass(frozen=True)
class ShippedFile:
    """A host's file that is brought in; `upload` is its number when it does not fit the bundle."""

    source: Path
    path: str
    size: int
    sha256: str
    data: bytes | None = None
    upload: str | None = None

    def item(self) -> dict[str, Any]:
        """Return how the runner is told of it."""
        member = None if self.data is None else f"inputs/{self.sha256}"
        return {
            "path": self.path,
            "bytes": self.size,
            "sha256": self.sha256,
            "member": member,
            "upload": self.upload,
        }


def input_members(files: Iterable[ShippedFile]) -> dict[str, bytes]:
    """Return the small input files and the list of all."""
    files = list(files)
    members = {INPUTS: json.dumps([file.item() for file in files]).encode()}
    for file in files:
        if file.data is not None:
            members[f"inputs/{file.sha256}"] = file.data
    return members

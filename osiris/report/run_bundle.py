"""A run's records as one archive to pass on: the same bytes for the same records, no secret in it.

What is in it is masked by value, then searched for every secret in every form in which it could
stand in a record. Artifacts are data and stay out; their events name them with size and SHA-256.
"""

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

from osiris.core.errors import InputError
from osiris.core.layout import RunLayout
from osiris.core.masking import MASK
from osiris.core.regular_file import UnusableFileError, read_regular_file

CONTENTS: Final = "bundle.json"
SHORTEST: Final = 4
"""Shorter secrets would be found in ordinary words."""

_LARGEST: Final = 1 << 30
_WHEN: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644 << 16
_UNIX: Final = 3


class SecretFoundError(InputError):
    """A secret would have got into an archive."""

    code = "bundle.secret_found"


@dataclass(frozen=True)
class RunBundle:
    """The archive; `masked` are the names of the files in which something had to be masked."""

    data: bytes
    names: tuple[str, ...]
    masked: tuple[str, ...]


def bundle_run(directory: Path, secrets: Iterable[str]) -> RunBundle:
    """Return a run's records as a zip archive, none of the secrets in it.

    Raises `SecretFoundError` when one is there even so, `InputError` for a file too large.
    """
    forms = [form.encode() for secret in sorted(secrets) for form in _forms(secret)]
    forms.sort(key=lambda form: (-len(form), form))
    members: dict[str, bytes] = {}
    masked: list[str] = []
    for name, data in _records(RunLayout(directory)):
        clean = data
        for form in forms:
            clean = clean.replace(form, MASK.encode())
        members[name] = clean
        if clean != data:
            masked.append(name)
    members[CONTENTS] = _contents(directory.name, members, masked)
    archive = _archive(directory.name, members)
    _prove(archive, forms)
    return RunBundle(archive, tuple(sorted(members)), tuple(masked))


def _forms(secret: str) -> set[str]:
    """Return what a secret looks like in text, JSON, YAML, Python, URLs and HTTP headers."""
    if len(secret) < SHORTEST:
        return set()
    return {
        form
        for form in (
            secret.encode("utf-8", "replace").decode(),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False).encode("utf-8", "replace").decode()[1:-1],
            repr(secret)[1:-1],
            quote(secret, safe="", errors="replace"),
            quote(secret, errors="replace"),
            quote_plus(secret, errors="replace"),
            *_in_base64(secret),
        )
        if len(form) >= SHORTEST
    }


def _in_base64(secret: str) -> Iterator[str]:
    """Yield what base64 makes of a secret behind any number of other bytes."""
    data = secret.encode("utf-8", "replace")
    for before, first in enumerate((0, 2, 3)):
        whole = (before + len(data)) * 8 // 6
        yield base64.b64encode(bytes(before) + data).decode()[first:whole]


def _records(layout: RunLayout) -> Iterator[tuple[str, bytes]]:
    """Yield the name and contents of each file of records, in order; a missing one is left out."""
    files = (
        *(layout.status, layout.events, layout.metrics, layout.log, layout.debug_log),
        *(layout.manifest, layout.commands),
        *sorted(layout.cfg.glob("*.json")),
    )
    for path in files:
        try:
            yield layout.relative(path), read_regular_file(path, limit=_LARGEST)
        except FileNotFoundError:
            continue
        except UnusableFileError as error:
            raise InputError(
                f"{path} cannot be read: {error}", hint="a bundle holds regular files below 1 GiB"
            ) from error


def _contents(session: str, members: Mapping[str, bytes], masked: Iterable[str]) -> bytes:
    files = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(members.items())
    }
    data = {"bundle": 1, "session": session, "files": files, "masked": sorted(masked)}
    return json.dumps(data, indent=2).encode() + b"\n"


def _archive(session: str, members: Mapping[str, bytes]) -> bytes:
    """Return a zip archive in which nothing depends on when and where it was made."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name in sorted(members):
            info = zipfile.ZipInfo(f"{session}/{name}", _WHEN)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = _UNIX
            info.external_attr = _MODE
            file.writestr(info, members[name])
    return data.getvalue()


def _prove(archive: bytes, forms: Iterable[bytes]) -> None:
    """Read the archive as whoever gets it will, and look for every form of every secret."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        for name in file.namelist():
            data = file.read(name)
            if any(form in data or form in name.encode() for form in forms):
                raise SecretFoundError(
                    f"{name} would hold a secret",
                    hint="this is a bug worth a report; nothing was written",
                )

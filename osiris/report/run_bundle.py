"""A run's records as one archive to pass on: the same bytes for the same records, no secret in it.

Records are masked by value. Artifacts are data: they come only when they are asked for, and only
byte for byte; one in which a secret stands stays out. Then the whole is searched for every secret
in every form in which it could stand there. What was left out is named.
"""

import base64
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
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

NOT_WANTED: Final = "artifacts are data, and nobody asked for them"
_LARGEST: Final = 1 << 30
_WHEN: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = 0o100644 << 16
_UNIX: Final = 3


class SecretFoundError(InputError):
    """A secret would have got into an archive."""

    code = "bundle.secret_found"


@dataclass(frozen=True)
class LeftOut:
    """An artifact that is not in the archive, and why."""

    name: str
    bytes: int
    why: str


@dataclass(frozen=True)
class RunBundle:
    """The archive.

    `masked` are the names of the files in which something had to be masked, `left_out` the
    artifacts that are not in it.
    """

    data: bytes
    names: tuple[str, ...]
    masked: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def bundle_run(directory: Path, secrets: Iterable[str], *, artifacts: bool = False) -> RunBundle:
    """Return a run's records, and its artifacts if wanted, as a zip without any of the secrets.

    Raises `SecretFoundError` when one is there even so, `InputError` for a file too large.
    """
    forms = [form.encode() for secret in sorted(secrets) for form in _forms(secret)]
    forms.sort(key=lambda form: (-len(form), form))
    members: dict[str, bytes] = {}
    masked: list[str] = []
    layout = RunLayout(directory)
    for name, data in _records(layout):
        clean = data
        for form in forms:
            clean = clean.replace(form, MASK.encode())
        members[name] = clean
        if clean != data:
            masked.append(name)
    kept, left_out = _artifacts(layout, forms, wanted=artifacts)
    members |= kept
    members[CONTENTS] = _contents(directory.name, members, masked, left_out)
    archive = _archive(directory.name, members)
    _prove(archive, forms)
    return RunBundle(archive, tuple(sorted(members)), tuple(masked), tuple(left_out))


def _forms(secret: str) -> set[str]:
    """Return what a secret looks like in text, JSON, YAML, Python, CSV, URLs and HTTP headers."""
    if len(secret) < SHORTEST:
        return set()
    return {
        form
        for form in (
            secret.encode("utf-8", "replace").decode(),
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False).encode("utf-8", "replace").decode()[1:-1],
            repr(secret)[1:-1],
            secret.replace('"', '""').encode("utf-8", "replace").decode(),
            secret.replace("'", "''").encode("utf-8", "replace").decode(),
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


def _artifacts(
    layout: RunLayout, forms: Sequence[bytes], *, wanted: bool
) -> tuple[dict[str, bytes], list[LeftOut]]:
    """Return the artifacts that may be passed on, by name, and those that stay out."""
    files = _artifact_files(layout)
    if not wanted:
        return {}, [_left_out(layout, path, NOT_WANTED) for path in files]
    from osiris.report.bundle_artifacts import (  # noqa: PLC0415 - start-up: pyarrow takes 0.1 s
        MOST,
        UnprovenError,
        proven,
    )

    kept: dict[str, bytes] = {}
    left_out: list[LeftOut] = []
    room = MOST
    for path in files:
        try:
            data = proven(path, forms, room)
        except UnprovenError as error:
            left_out.append(_left_out(layout, path, str(error)))
        else:
            kept[layout.relative(path)] = data
            room -= len(data)
    return kept, left_out


def _artifact_files(layout: RunLayout) -> list[Path]:
    """Return every file below the run's artifacts, by name; links to directories are not walked."""
    found = [Path(root) / name for root, _, names in os.walk(layout.artifacts) for name in names]
    return sorted(found, key=layout.relative)


def _left_out(layout: RunLayout, path: Path, why: str) -> LeftOut:
    return LeftOut(layout.relative(path), path.lstat().st_size, why)


def _contents(
    session: str,
    members: Mapping[str, bytes],
    masked: Iterable[str],
    left_out: Iterable[LeftOut],
) -> bytes:
    files = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(members.items())
    }
    data = {
        "bundle": 1,
        "session": session,
        "files": files,
        "masked": sorted(masked),
        "left_out": [asdict(one) for one in left_out],
    }
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

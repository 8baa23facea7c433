"""Files of a run as the page shows them: the end of a log, a config member by member."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from osiris.core.masking import Masker
from osiris.core.record_lines import strict_json
from osiris.core.regular_file import UnusableFileError, open_regular_file, read_regular_file

_TAIL: Final = 48 * 1024
_LARGEST: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class TextFile:
    """The text of a file, or its end; `bytes` are those of all of it."""

    name: str
    text: str
    bytes: int
    cut: bool


@dataclass(frozen=True)
class ConfigFile:
    """A step's config: its members as (name, text, whether the text has several lines)."""

    step: str
    members: tuple[tuple[str, str, bool], ...]


def tail(path: Path, masker: Masker) -> TextFile | None:
    """Return the end of a text file, masked; None when it cannot be read or is empty."""
    try:
        with open_regular_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _TAIL))
            data = file.read(_TAIL)
    except (OSError, UnusableFileError):
        return None
    if not data:
        return None
    cut = size > len(data)
    if cut:
        data = data.partition(b"\n")[2]
    return TextFile(path.name, masker.text(data.decode("utf-8", "replace")), size, cut)


def whole(path: Path, masker: Masker) -> TextFile | None:
    """Return a text file, masked; None when it cannot be read."""
    try:
        data = read_regular_file(path, limit=_LARGEST)
    except (OSError, UnusableFileError):
        return None
    return TextFile(path.name, masker.text(data.decode("utf-8", "replace")), len(data), cut=False)


def config(path: Path, step: str, masker: Masker) -> ConfigFile | None:
    """Return a step's config, masked; None when it cannot be read."""
    try:
        data = strict_json(read_regular_file(path, limit=_LARGEST))
    except (OSError, UnusableFileError, ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    members = tuple(_member(name, value) for name, value in _flat(masker.value(data)))
    return ConfigFile(step, members)


def _flat(data: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the members; those of an object inside get dotted names."""
    found: list[tuple[str, Any]] = []
    for name, value in data.items():
        if isinstance(value, dict) and value and prefix.count(".") < 3:  # noqa: PLR2004 - deep enough
            found += _flat(value, f"{prefix}{name}.")
        elif value not in (None, {}) and (prefix or name != "id"):
            found.append((f"{prefix}{name}", value))
    return found


def _member(name: str, value: Any) -> tuple[str, str, bool]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return name, text.rstrip("\n"), "\n" in text.rstrip("\n")

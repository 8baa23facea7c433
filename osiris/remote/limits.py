"""How much a sandbox may hand back; what is more is taken for an attack, not for a result."""

from dataclasses import dataclass

_GIB = 1024**3


@dataclass(frozen=True)
class Limits:
    """Upper bounds, generous for honest runs.

    Attributes:
        files: files in all.
        file_bytes: bytes of one file.
        total_bytes: bytes of all files.
        journal_bytes: bytes of all records.

    """

    files: int = 20_000
    file_bytes: int = 256 * _GIB
    total_bytes: int = 1024 * _GIB
    journal_bytes: int = 4 * _GIB

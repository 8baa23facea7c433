"""Byte code that Python keeps beside the source, so that a sandbox need not compile it again.

Format: the .pyc files of `importlib`, checked by nothing when they are read (PEP 552); a Python of
another version ignores them and reads the source.
"""

import importlib.util
from pathlib import Path
from typing import Final

_HEADER: Final = 16
_FOUND_BY_HASH: Final = 1
_MASK: Final = 0xFFFFFFFF


def compiled(source: Path) -> bytes | None:
    """Return what goes into a .pyc beside a copy of the source; None when none is kept of it."""
    try:
        data = Path(importlib.util.cache_from_source(source)).read_bytes()
        status, text = source.stat(), source.read_bytes()
    except (OSError, NotImplementedError):
        return None
    magic, flags = data[:4], int.from_bytes(data[4:8], "little")
    digest = importlib.util.source_hash(text)
    stamp = (int(status.st_mtime) & _MASK).to_bytes(4, "little")
    size = (status.st_size & _MASK).to_bytes(4, "little")
    kept_of = digest if flags & _FOUND_BY_HASH else stamp + size
    if magic != importlib.util.MAGIC_NUMBER or data[8:_HEADER] != kept_of:
        return None
    return magic + _FOUND_BY_HASH.to_bytes(4, "little") + digest + data[_HEADER:]

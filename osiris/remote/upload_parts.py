"""Cutting what is brought into a sandbox into parts that are tried again one by one."""

from collections.abc import Iterator
from typing import BinaryIO, Final

PART_BYTES: Final = 8 * 1024 * 1024


def parts(data: bytes | BinaryIO) -> Iterator[bytes]:
    """Yield the data in parts of at most 8 MiB."""
    if isinstance(data, bytes):
        for start in range(0, len(data), PART_BYTES):
            yield data[start : start + PART_BYTES]
        return
    while piece := data.read(PART_BYTES):
        yield piece

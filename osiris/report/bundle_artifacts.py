"""Artifacts of a run as they may be passed on: byte for byte, and proven to hold no secret.

What cannot be looked into is no proof: text in UTF-8, gzip or Zstandard of it, and Parquet can.
"""

import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from osiris.core.regular_file import UnusableFileError, open_regular_file

MOST: Final = 256 * 1024 * 1024
"""Bytes of all artifacts together, and of one that is unpacked to be looked into."""

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_PARQUET: Final = b"PAR1"


class UnprovenError(Exception):
    """An artifact that stays out; the text says why."""


def proven(path: Path, forms: Sequence[bytes], room: int) -> bytes:
    """Return an artifact's bytes, at most `room`, if none of the forms of secrets is in them.

    Raises `UnprovenError` when one is there, or when that cannot be known.
    """
    try:
        with open_regular_file(path, follow=False) as file:
            data = file.read(room + 1)
    except (OSError, UnusableFileError) as error:
        raise UnprovenError(f"it cannot be read: {error}") from error
    if len(data) > room:
        raise UnprovenError(f"all artifacts together would have more than {MOST >> 20} MiB")
    try:
        for text in (data, *_texts(data)):
            if any(form in text for form in forms):
                raise UnprovenError("a secret is in it")
    except (OSError, EOFError, ValueError, zlib.error, pa.ArrowException) as error:
        raise UnprovenError(f"it cannot be looked into: {error}") from error
    return data


def _texts(data: bytes) -> Iterator[bytes]:
    """Yield the text that a file holds; none when the file itself is text.

    Raises `UnprovenError` for what is no text, and whatever reading a damaged file raises.
    """
    if data.startswith(_PARQUET):
        yield from _columns(pq.ParquetFile(pa.BufferReader(data)))
        return
    text = data
    if data.startswith(_GZIP):
        text = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MOST + 1)
    elif data.startswith(_ZSTD):
        text = pa.CompressedInputStream(pa.BufferReader(data), "zstd").read(MOST + 1)
    if len(text) > MOST:
        raise UnprovenError(f"it cannot be looked into: more than {MOST >> 20} MiB unpacked")
    if b"\0" in text or not _is_utf8(text):
        raise UnprovenError("it cannot be looked into: it is no text in UTF-8")
    if text is not data:
        yield text


def _is_utf8(text: bytes) -> bool:
    with suppress(UnicodeDecodeError):
        text.decode()
        return True
    return False


def _columns(file: pq.ParquetFile) -> Iterator[bytes]:
    """Yield what the file says of itself, then each column of each batch as text, line by line."""
    yield repr(file.schema_arrow).encode()
    yield repr(file.schema_arrow.metadata).encode()
    for batch in file.iter_batches(batch_size=16_384):
        for column in batch.columns:
            yield _lines(column)


def _lines(column: pa.Array) -> bytes:
    if pa.types.is_nested(column.type) or pa.types.is_dictionary(column.type):
        return "\n".join(map(str, _leaves(column.to_pylist()))).encode("utf-8", "replace")
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        values: Iterable[bytes] = (value for value in column.to_pylist() if value is not None)
        return b"\n".join(values)
    return "\n".join(v for v in pc.cast(column, pa.string()).to_pylist() if v is not None).encode()


def _leaves(value: object) -> Iterator[object]:
    """Yield every value within lists, maps and structs."""
    if isinstance(value, dict):
        yield from _leaves([*value, *value.values()])
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _leaves(one)
    else:
        yield value.decode("utf-8", "replace") if isinstance(value, bytes) else value

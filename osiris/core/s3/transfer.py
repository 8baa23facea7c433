"""Whole files to and from a bucket: what a step reads, and what it has made."""

import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from osiris.components.s3_connection import S3Connection
from osiris.core.atomic_file import write_error
from osiris.core.cancel import CancelToken
from osiris.core.s3.client import S3Client
from osiris.core.s3.store import S3Store
from osiris.core.source_files import SourceFile, stamp

_LONGEST_NAME = 64
_AT_ONCE = 4
"""Objects that are fetched at the same time: most of it is waiting."""


def store_of(connection: S3Connection, base_dir: Path, cancelled: CancelToken) -> S3Store:
    """Return the bucket of a connection."""
    return S3Store(S3Client(connection, base_dir, cancelled))


def fetched_files(
    path: str,
    connection: S3Connection,
    *,
    base_dir: Path,
    spill_dir: Path,
    cancelled: CancelToken,
) -> list[SourceFile]:
    """Copy the objects that a path or pattern names below `spill_dir`, sorted by key.

    Raises `ConfigError` for a bucket or object that is not there, `AuthenticationError`,
    `TransientStepError`, `DiskFullError`.
    """
    store = store_of(connection, base_dir, cancelled)
    keys = store.find(path)
    try:
        spill_dir.mkdir(parents=True, exist_ok=True)
        directory = Path(tempfile.mkdtemp(prefix="s3-", dir=spill_dir))
    except OSError as error:
        raise write_error(spill_dir, error) from error

    def fetched(number: int, key: str) -> SourceFile:
        # The ending says how a file is compressed; the rest is for people.
        name = re.sub(r"[^A-Za-z0-9._-]", "_", key.rpartition("/")[2])[-_LONGEST_NAME:]
        copy = directory / f"{number:05}-{name}"
        store.fetch(key, copy)
        return SourceFile(connection.url(key), copy, stamp(copy))

    with ThreadPoolExecutor(_AT_ONCE, "s3") as pool:
        return list(pool.map(fetched, range(len(keys)), keys))

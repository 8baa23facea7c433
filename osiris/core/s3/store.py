"""The objects of one bucket: found by pattern, fetched whole, put whole or not at all."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree as ET

from osiris.core.atomic_file import AtomicFile
from osiris.core.errors import ConfigError, CorruptDataError, DataError, StepError, SystemStepError
from osiris.core.s3.client import RefusedError, S3Client
from osiris.core.s3.failure import Refusal

PART_BYTES = 16 * 1024 * 1024
"""Size of the parts that a larger file is sent in; at least 5 MiB by S3's rules."""

_MOST_PARTS = 10_000
_CHUNK = 1024 * 1024
_MAGIC = re.compile(r"[*?[]")


@dataclass(frozen=True)
class StoredObject:
    """An object of the bucket, in the state in which it was listed."""

    key: str
    size: int
    etag: str


class S3Store:
    """What a run does with a bucket.

    Lists come `page` keys at a time, files of more than `part_bytes` bytes go in parts.
    """

    def __init__(self, client: S3Client, *, page: int = 1000, part_bytes: int = PART_BYTES) -> None:
        self._client = client
        self._part_bytes = part_bytes
        self._page = page
        self._connection = client.connection

    def check(self) -> None:
        """Look whether the bucket is there and may be listed; raise the `StepError` if not."""
        self._list(self._connection.prefix, None, 1)

    def find(self, path: str) -> list[str]:
        """Return the keys that a step's path or pattern names, sorted.

        Raises `ConfigError` when no key matches a pattern; a path is not looked up.
        """
        key = self._connection.key(path)
        magic = _MAGIC.search(key)
        if magic is None:
            return [key]
        wanted = pattern(key)
        # A key that ends with a slash stands for a folder.
        found = sorted(
            each
            for each in self._keys(key[: magic.start()])
            if wanted.fullmatch(each) and not each.endswith("/")
        )
        if not found:
            raise ConfigError(
                f"no object matches {self._connection.url(key)}",
                hint="check the step's `path` and the connection's `prefix`",
            )
        return found

    def _keys(self, prefix: str) -> Iterator[str]:
        token: str | None = None
        while True:
            page = self._list(prefix, token, self._page)
            yield from (found.text or "" for found in page.iterfind("{*}Contents/{*}Key"))
            token = page.findtext("{*}NextContinuationToken")
            if page.findtext("{*}IsTruncated") != "true" or token is None:
                return

    def _list(self, prefix: str, token: str | None, most: int) -> Any:
        query = {"list-type": "2", "prefix": prefix, "max-keys": str(most)}
        if token is not None:
            query["continuation-token"] = token
        what = f"{self._connection.url(prefix)} cannot be listed"
        _, body = self._client.request("GET", what=what, query=query)
        return _xml(body, what)

    def fetch(self, key: str, target: Path) -> None:
        """Copy an object into a file; go on where the connection was cut, in the same state.

        Raises `DataError` when the object changes meanwhile.
        """
        what = f"{self._connection.url(key)} cannot be read"
        state = ""
        with AtomicFile(target) as file:
            for attempt in self._client.attempts(what):
                with attempt:
                    headers = {"range": f"bytes={file.bytes}-"} if file.bytes else {}
                    if state:
                        headers["if-match"] = state
                    with self._client.answer("GET", key, query={}, headers=headers) as answer:
                        state = state or answer.headers.get("etag", "")
                        _check_range(answer.headers.get("content-range"), file.bytes, answer.status)
                        self._copy(answer, file)
                    return

    def _copy(self, answer: Any, file: AtomicFile) -> None:
        left = int(answer.headers.get("content-length", "-1"))
        while piece := answer.read(_CHUNK):
            self._client.cancelled.raise_if_set()
            file.write(piece)
            left -= len(piece)
        if left > 0:
            raise EOFError(f"{left} bytes are missing")

    def put(self, key: str, source: Path, sha256: str) -> None:
        """Put a file where nobody sees it before all of it is there.

        Each request carries the SHA-256 of its body, which the store checks. Raises
        `CorruptDataError` when the file is not what `sha256` says; nothing is put then.
        """
        size = source.stat().st_size
        with source.open("rb") as data:
            if size > self._part_bytes:
                self._put_parts(key, data, size, sha256)
                return
            body = data.read()
        _check_sha256(hashlib.sha256(body).hexdigest(), source, sha256)
        what = f"{self._connection.url(key)} cannot be written"
        self._client.request("PUT", key, what=what, headers=_TYPE, body=body)

    def _put_parts(self, key: str, data: IO[bytes], size: int, sha256: str) -> None:
        what = f"{self._connection.url(key)} cannot be written"
        part = max(self._part_bytes, -(-size // _MOST_PARTS))
        query = {"uploads": ""}
        _, body = self._client.request("POST", key, what=what, query=query, headers=_TYPE)
        upload = _xml(body, what).findtext("{*}UploadId") or ""
        try:
            seen = hashlib.sha256()
            tags: list[str] = []
            while piece := data.read(part):
                seen.update(piece)
                query = {"partNumber": str(len(tags) + 1), "uploadId": upload}
                headers, _ = self._client.request("PUT", key, what=what, query=query, body=piece)
                tags.append(headers.get("etag", ""))
            _check_sha256(seen.hexdigest(), Path(data.name), sha256)
            self._complete(key, upload, tags, what)
        except BaseException:
            self._abort(key, upload)
            raise

    def _complete(self, key: str, upload: str, tags: list[str], what: str) -> None:
        root = ET.Element("CompleteMultipartUpload")
        for number, tag in enumerate(tags, 1):
            part = ET.SubElement(root, "Part")
            ET.SubElement(part, "PartNumber").text = str(number)
            ET.SubElement(part, "ETag").text = tag
        body, query = ET.tostring(root), {"uploadId": upload}
        try:
            self._client.request("POST", key, what=what, query=query, body=body)
        except ConfigError as error:
            # When the answer to the first try was lost, the second finds no such upload.
            if "NoSuchUpload" not in error.message or not self._is_there(key, len(tags)):
                raise

    def _is_there(self, key: str, parts: int) -> bool:
        """Tell whether the object at a key was put in so many parts, as its ETag says."""
        found, _ = self._client.request("GET", key, what=key, headers={"range": "bytes=0-0"})
        return found.get("etag", "").strip('"').endswith(f"-{parts}")

    def _abort(self, key: str, upload: str) -> None:
        """Let the store forget the parts; what keeps it from that is not the first trouble."""
        with suppress(StepError):
            query = {"uploadId": upload}
            self._client.undisturbed().request("DELETE", key, what=key, query=query)


_TYPE = {"content-type": "application/octet-stream"}


def _check_range(told: str | None, begun: int, status: int) -> None:
    """Raise `RefusedError` for an answer that does not go on where the last one ended."""
    if begun and not (told or "").startswith(f"bytes {begun}-"):
        raise RefusedError(Refusal(status, "InvalidRange", "the store cannot send a part"))


def _check_sha256(found: str, source: Path, expected: str) -> None:
    if found != expected:
        raise CorruptDataError(
            f"{source} is not what the step wrote: its SHA-256 is {found}",
            hint="something changed the file while the run was going on",
        )


def _xml(body: bytes, what: str) -> Any:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise DataError(f"{what}: the answer is not S3's")
    try:
        return ET.fromstring(body)  # noqa: S314 - no entity is defined, as looked at above
    except ET.ParseError as error:
        raise SystemStepError(
            f"{what}: the answer is no XML: {error}",
            hint="is the connection's `endpoint` that of an S3-compatible store?",
        ) from error


def pattern(key: str) -> re.Pattern[str]:
    """Return what matches the keys a pattern means: `*` and `?` stop at a slash, `**/` does not."""
    made = re.escape(key)
    for written, meaning in (
        (re.escape("**/"), r"(?:.*/)?"),
        (re.escape("**"), r".*"),
        (re.escape("*"), r"[^/]*"),
        (re.escape("?"), r"[^/]"),
    ):
        made = made.replace(written, meaning)
    return re.compile(re.sub(r"\\\[(!?)(.*?)\\\]", _one_of, made), re.DOTALL)


def _one_of(found: re.Match[str]) -> str:
    inner = found[2].replace("\\-", "-")
    return f"[{'^' if found[1] else ''}{inner}]"

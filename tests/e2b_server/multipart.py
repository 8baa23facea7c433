"""Reading multipart/form-data (RFC 7578) as it comes, without holding a part in memory."""

import re
from collections.abc import Iterator

_FILENAME = re.compile(rb'filename="((?:[^"\\]|\\.)*)"')


class MultipartReader:
    """Feed it the body; it gives `(file name, b"")` at the start of a part, then `(None, data)`."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        self._buffer = bytearray(b"\r\n")
        self._in_part = False

    def feed(self, chunk: bytes) -> Iterator[tuple[str | None, bytes]]:
        """Take the next piece of the body."""
        self._buffer += chunk
        while True:
            found = self._next_header() if not self._in_part else self._next_data()
            if found is None:
                return
            yield found

    def _next_header(self) -> tuple[str | None, bytes] | None:
        """Skip to the end of a part's header; None when it is not all there, or none comes."""
        end = self._buffer.find(b"\r\n\r\n")
        if not self._buffer.startswith(self._delimiter) or end < 0:
            return None
        found = _FILENAME.search(bytes(self._buffer[:end]))
        del self._buffer[: end + 4]
        self._in_part = True
        return (found[1].decode() if found else ""), b""

    def _next_data(self) -> tuple[str | None, bytes] | None:
        """Give what surely belongs to the part; stop before anything that may be a delimiter."""
        end = self._buffer.find(self._delimiter)
        if end >= 0:
            self._in_part = False
        else:
            end = len(self._buffer) - len(self._delimiter)
        if end <= 0:
            return (None, b"") if not self._in_part else None
        data = bytes(self._buffer[:end])
        del self._buffer[:end]
        return None, data

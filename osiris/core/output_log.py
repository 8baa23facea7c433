"""What steps print, as log records: by lines, without secrets, not without end.

Standard library only: the runner uses it before anything is installed.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

OUTPUT_BYTES: Final = 4 * 1024 * 1024
"""What is kept of a run's standard output, and of its standard error."""

MASK: Final = b"***"
_LONGEST_LINE: Final = 8 * 1024
_RECORD: Final = 40
"""Bytes that a line costs beside its text: many short ones must come to an end too."""
_SHORTEST_SECRET: Final = 4


class OutputLog:
    """Turns the bytes of one stream into log records.

    Args:
        name: `stdout` or `stderr`.
        secrets: values that are replaced by `***`; short ones are not, they would black out words.
        limit: bytes that are kept; the rest is counted.

    """

    def __init__(self, name: str, secrets: Sequence[str], limit: int) -> None:
        self._logger = f"worker.{name}"
        known = {part.encode() for secret in secrets for part in (secret, *secret.splitlines())}
        long_enough = (secret for secret in known if len(secret) >= _SHORTEST_SECRET)
        self._secrets = sorted(long_enough, key=lambda secret: (-len(secret), secret))
        self._overlap = max(map(len, self._secrets), default=1) - 1
        self._left = limit
        self._dropped = 0
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[dict[str, Any]]:
        """Take bytes as they come and yield the lines that are complete."""
        if not self._left:
            self._dropped += len(data)
            return
        *lines, self._buffer = self._masked(self._buffer + data).split(b"\n")
        for line in lines:
            yield from self._pieces(line)
        # What may be the beginning of a secret waits for the rest of it.
        while len(self._buffer) > _LONGEST_LINE + self._overlap:
            piece, self._buffer = self._buffer[:_LONGEST_LINE], self._buffer[_LONGEST_LINE:]
            yield from self._pieces(piece)

    def finish(self) -> Iterator[dict[str, Any]]:
        """Yield what is left at the end of the stream."""
        yield from self._pieces(self._buffer)
        self._buffer = b""
        if self._dropped:
            yield self._line(b"(%d more bytes were not kept)" % self._dropped)

    def _masked(self, data: bytes) -> bytes:
        for secret in self._secrets:
            data = data.replace(secret, MASK)
        return data

    def _pieces(self, line: bytes) -> Iterator[dict[str, Any]]:
        for start in range(0, len(line), _LONGEST_LINE):
            piece = line[start : start + _LONGEST_LINE]
            if len(piece) + _RECORD > self._left:
                self._dropped += len(piece)
                self._left = 0
            else:
                self._left -= len(piece) + _RECORD
                yield self._line(piece)

    def _line(self, text: bytes) -> dict[str, Any]:
        return {
            "level": logging.INFO,
            "logger": self._logger,
            "message": text.rstrip(b"\r").decode("utf-8", "backslashreplace"),
            "traceback": None,
        }

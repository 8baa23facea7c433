"""The journal as its one writer has it: append-only, gap-free, one line at a time.

Standard library only: the runner uses it before anything is installed.
"""

import os
import time
from pathlib import Path
from typing import Any

from osiris.remote.rpc_protocol import journal_line, pieces, record_bytes

_RESERVE = 256 * 1024
_MOST_PENDING = 16 * 1024 * 1024


class Journal:
    """Gives each record its seq and appends it; what the disk does not take is kept for later.

    Attributes:
        stuck: whether so much had to be kept that the run cannot go on.

    """

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        self._reserve = path.with_name(".reserve")
        self._seq = 0
        self._pending = bytearray()
        self.stuck = False
        try:
            self._reserve.write_bytes(bytes(_RESERVE))
        except OSError:
            self.stuck = True

    def fileno(self) -> int:
        """Return the descriptor of the file."""
        return self._fd

    def add(self, kind: str, data: dict[str, Any]) -> None:
        """Write a record of the runner's own."""
        now = time.time()
        self.add_bytes(record_bytes(kind, now, data), now)
        self.flush()

    def add_bytes(self, record: bytes, ts: float) -> None:
        """Take a record as `record_bytes` makes it; `flush` writes it."""
        for piece in pieces(record, ts):
            self._seq += 1
            self._pending += journal_line(self._seq, piece)

    def flush(self) -> None:
        """Write what was taken, as far as the disk lets it."""
        try:
            while self._pending:
                written = os.write(self._fd, self._pending)
                del self._pending[:written]
        except OSError:
            self.stuck = self.stuck or len(self._pending) > _MOST_PENDING

    def close(self) -> None:
        """Write all that is left, with the space that was put aside, and see it on the disk."""
        self._reserve.unlink(missing_ok=True)
        self.flush()
        try:
            os.fsync(self._fd)
        except OSError:
            self.stuck = True
        os.close(self._fd)

"""What stands between a producing step and one of its consumers: an unbounded, spilling queue."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from osiris.core.cancel import CancelToken
from osiris.core.spill import SpillFile


class Exchange:
    """Record batches in order from one producer thread to one consumer thread.

    A producer never waits for the consumer, so no shape of pipeline can deadlock. Up to `budget`
    bytes are held in memory; what is beyond goes to a temporary Arrow IPC file and comes back from
    there in its turn. A `replayable` exchange keeps everything until `discard`, so that a consumer
    that is tried again can read from the beginning.

    Attributes:
        rows: rows put so far.
        spilled_bytes: bytes written to disk so far.

    """

    def __init__(
        self, schema: pa.Schema, *, budget: int, spill_dir: Path, replayable: bool = False
    ) -> None:
        self.schema = schema
        self.rows = 0
        self.spilled_bytes = 0
        self._budget = budget
        self._spill_dir = spill_dir
        self._replayable = replayable
        self._changed = threading.Condition()
        self._entries: list[pa.RecordBatch | SpillFile | None] = []
        self._memory = 0
        self._ended = False
        self._error: Exception | None = None
        self._discarded = False

    def put(self, batch: pa.RecordBatch) -> None:
        """Append a batch; raises `DiskFullError` or `SystemStepError` when spilling fails."""
        with self._changed:
            self.rows += batch.num_rows
            if self._discarded:
                return
            size = batch.nbytes
            tail = self._entries[-1] if self._entries else None
            spilling = isinstance(tail, SpillFile) and not tail.sealed
            room = self._budget // 2 if spilling else self._budget
            if self._memory == 0 or self._memory + size <= room:
                self._entries.append(batch)
                self._memory += size
            else:
                self._spill(batch, tail)
            self._changed.notify()

    def _spill(self, batch: pa.RecordBatch, tail: object) -> None:
        """Append to the last entry when it is an open spill file, else to a new one."""
        if not isinstance(tail, SpillFile) or tail.sealed:
            tail = SpillFile(self._spill_dir, self.schema)
            self._entries.append(tail)
        before = tail.bytes
        tail.append(batch)
        self.spilled_bytes += tail.bytes - before

    def close(self) -> None:
        """Say that no more batches come."""
        self._end(None)

    def fail(self, error: Exception) -> None:
        """Say that no more batches come because the producer failed; the consumer gets `error`.

        The consumer sees it at once, not after the batches that are still queued.
        """
        self._end(error)

    def _end(self, error: Exception | None) -> None:
        with self._changed:
            self._ended = True
            self._error = error
            if error is not None:
                self._drop()
            self._changed.notify()

    def batches(self, cancel: CancelToken) -> Iterator[pa.RecordBatch]:
        """Iterate over the batches as they come.

        Raises what `fail` was given, or the reason of `cancel` when that is switched.
        """
        forget = cancel.on_cancel(self._wake)
        try:
            position = 0
            while (entry := self._take(position, cancel)) is not None:
                if isinstance(entry, SpillFile):
                    yield from self._unspilled(entry, cancel)
                else:
                    yield entry
                position += 1
        finally:
            forget()

    def _unspilled(self, spilled: SpillFile, cancel: CancelToken) -> Iterator[pa.RecordBatch]:
        try:
            for batch in spilled.read():
                cancel.raise_if_set()
                yield batch
        finally:
            if not self._replayable:
                spilled.close()

    def _take(self, position: int, cancel: CancelToken) -> pa.RecordBatch | SpillFile | None:
        """Wait for the entry at `position`; None at the end."""
        with self._changed:
            while True:
                cancel.raise_if_set()
                if self._error is not None:
                    raise self._error
                if position < len(self._entries):
                    return self._claim(position)
                if self._ended:
                    return None
                self._changed.wait()

    def _claim(self, position: int) -> pa.RecordBatch | SpillFile:
        entry = self._entries[position]
        if entry is None:
            msg = "an exchange that is not replayable was read twice"
            raise RuntimeError(msg)
        if isinstance(entry, SpillFile):
            entry.seal()
        if not self._replayable:
            self._entries[position] = None
            if not isinstance(entry, SpillFile):
                self._memory -= entry.nbytes
        return entry

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def discard(self) -> None:
        """Drop everything held and to come: the consumer wants no more."""
        with self._changed:
            self._discarded = True
            self._drop()

    def _drop(self) -> None:
        for entry in self._entries:
            if isinstance(entry, SpillFile):
                entry.close()
        self._entries = [None] * len(self._entries)
        self._memory = 0

"""What one step produces, on its way to everyone who reads it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from osiris.core.cancel import CancelToken
from osiris.core.errors import CorruptDataError, StepError
from osiris.core.exchange import Exchange
from osiris.core.stream import Scan, TableStream


@dataclass(frozen=True)
class Reader:
    """One who reads an outlet: a step's input by name, or the keeper of outputs.

    `replays` says that it may read the table again from the beginning.
    """

    step_id: str
    name: str
    replays: bool = False


@dataclass(frozen=True)
class SpillPolicy:
    """How much each edge holds in memory, and where the rest goes."""

    budget: int
    directory: Path


class Outlet:
    """The table of one producing step and its readers; thread-safe.

    With `held` the readers see nothing until the table is complete: that is how a step that may be
    tried again can start over without anyone having seen a row twice.
    """

    def __init__(
        self,
        step_id: str,
        readers: Iterable[Reader],
        *,
        held: bool,
        spill: SpillPolicy,
        opened: Callable[[], None],
    ) -> None:
        self.step_id = step_id
        self.rows = 0
        self.bytes = 0
        self.visible = False
        self._readers = list(readers)
        self._held = held
        self._spill = spill
        self._opened = opened
        self._schema: pa.Schema | None = None
        self._scan: Scan | None = None
        self._exchanges: dict[Reader, Exchange] = {}
        self._streams: dict[Reader, TableStream] = {}
        self._released: set[Reader] = set()
        self._changed = threading.Condition()
        self._blame: Exception | None = None

    # --- the producer's side ---

    def open(self, schema: pa.Schema) -> None:
        """Begin the table; a table begun before is forgotten."""
        self.discard()
        self.rows = self.bytes = 0
        self._schema = schema
        self._exchanges = {
            reader: Exchange(
                schema,
                budget=self._spill.budget,
                spill_dir=self._spill.directory,
                replayable=reader.replays,
            )
            for reader in self._readers
        }
        # Who left before there was a table must not have one put aside for it; the step's own
        # keeper leaves when a try fails, and comes back with the next.
        with self._changed:
            self._released = {r for r in self._released if r.step_id != self.step_id}
            for reader in self._released:
                self._exchanges[reader].discard()
        if not self._held:
            self._show()

    def open_scan(self, scan: Scan) -> None:
        """Offer a table that every reader reads from its source."""
        self._schema = scan.schema
        self._scan = scan
        self._show()

    def put(self, batch: pa.RecordBatch) -> None:
        """Hand a batch to every reader."""
        self.rows += batch.num_rows
        self.bytes += batch.nbytes
        for exchange in self._exchanges.values():
            exchange.put(batch)

    def close(self) -> None:
        """End the table."""
        for exchange in self._exchanges.values():
            exchange.close()
        if self._held:
            self._show()

    def fail(self, error: Exception) -> None:
        """Tell every reader that the table will never be complete."""
        for exchange in self._exchanges.values():
            exchange.fail(error)

    def _show(self) -> None:
        self.visible = True
        self._opened()

    def discard(self) -> None:
        """Drop whatever is still held for anyone."""
        for exchange in self._exchanges.values():
            exchange.discard()

    # --- the readers' side ---

    def stream(self, reader: Reader, cancel: CancelToken, *, head: bool = False) -> TableStream:
        """Return the table for one reader, from its beginning; `head`: it wants the first rows."""
        if self._schema is None:
            msg = f"step {self.step_id!r} has no table yet"
            raise RuntimeError(msg)
        batches: Iterable[pa.RecordBatch]
        if self._scan is not None:
            batches = _scan_batches(self._scan, cancel, head=head)
        else:
            batches = self._exchanges[reader].batches(cancel)
        stream = TableStream(self._schema, batches, source=self.step_id, scan=self._scan)
        with self._changed:
            self._streams[reader] = stream
        return stream

    def release(self, reader: Reader) -> None:
        """Say that a reader wants no more."""
        exchange = self._exchanges.get(reader)
        if exchange is not None:
            exchange.discard()
        with self._changed:
            self._released.add(reader)
            self._changed.notify_all()

    def spilled(self, reader: Reader) -> int:
        """Return the bytes that this reader's edge put on disk."""
        exchange = self._exchanges.get(reader)
        return exchange.spilled_bytes if exchange else 0

    def blame(self, error: BaseException, reader: Reader) -> bool:
        """Say that reading failed for a reason that is the source's fault; tell if it matters.

        What only the keeper of a scan stumbles over does not, when there are others that read it:
        how a run ends must not depend on what is kept of it.
        """
        with self._changed:
            if self._scan is not None and len(self._readers) > 1 and reader.step_id == self.step_id:
                return False
            if self._blame is None:
                self._blame = error if isinstance(error, Exception) else StepError(str(error))
            self._changed.notify_all()
        return True

    def wait_scanned(self, cancel: CancelToken) -> int:
        """Wait until every reader of a scan has ended; return the table's number of rows.

        Raises what `blame` was given, the reason of `cancel`, or `CorruptDataError` when two
        readers that read everything did not see the same number of rows.
        """
        forget = cancel.on_cancel(self._wake)
        try:
            with self._changed:
                while self._blame is None and self._released < set(self._readers):
                    cancel.raise_if_set()
                    self._changed.wait()
        finally:
            forget()
        if self._blame is not None:
            raise self._blame
        self.rows = self._agreed_rows()
        return self.rows

    def _agreed_rows(self) -> int:
        counts = {s.rows for s in self._streams.values() if s.complete and s.error is None}
        if len(counts) > 1:
            raise CorruptDataError(
                f"step {self.step_id!r}: its readers saw {sorted(counts)} rows of the same source",
                hint="the files changed while they were read; run again when nothing writes them",
            )
        if counts:
            return counts.pop()
        return self._scan.count() if self._scan is not None else 0

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _scan_batches(scan: Scan, cancel: CancelToken, *, head: bool) -> Iterator[pa.RecordBatch]:
    """Read a scan from its source, stopping between batches when asked to."""
    cancel.raise_if_set()
    try:
        with closing(scan.head() if head else pa.RecordBatchReader.from_stream(scan)) as reader:
            for batch in reader:
                cancel.raise_if_set()
                yield batch
    except StepError:
        raise
    except Exception as error:
        raise scan.explain(error) or error from error

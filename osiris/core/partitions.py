"""Reading the parts of a table at the same time and handing them on in order."""

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import pyarrow as pa

from osiris.core.cancel import CancelToken
from osiris.core.exchange import Exchange
from osiris.core.metrics import MetricName

DEFAULT_BUDGET: Final = 64 << 20
Batches = Generator[pa.RecordBatch, None, None]


class PartitionedReading:
    """Every part is read in a thread of its own; the first comes out live, later ones wait.

    What waits is held in memory up to `budget` bytes for all parts together, and on disk beyond
    that. A part that fails ends the whole reading at once, with the part's error.

    Attributes:
        stop: told to the parts to end them; open their connections with it. Switched when the
            reading ends, however it ends, and when `cancelled` is.
        spilled_bytes: bytes that went to disk.

    """

    def __init__(
        self, *, cancelled: CancelToken, spill_dir: Path, budget: int = DEFAULT_BUDGET
    ) -> None:
        self.stop = CancelToken(cancelled)
        self.spilled_bytes = 0
        self._cancelled = cancelled
        self._spill_dir = spill_dir
        self._budget = budget
        self._failed = threading.Lock()

    def batches(self, schema: pa.Schema, parts: Sequence[Batches]) -> Batches:
        """Yield the batches of all parts, part by part; every batch must have `schema`.

        The parts are closed when the reading ends. Raises what a part raised first, or the
        reason of `cancelled`.
        """
        share = self._budget // max(len(parts), 1)
        exchanges = [Exchange(schema, budget=share, spill_dir=self._spill_dir) for _ in parts]
        threads = [
            threading.Thread(
                target=self._pump, args=(part, exchange, exchanges), name="part", daemon=True
            )
            for part, exchange in zip(parts, exchanges, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            for exchange in exchanges:
                yield from exchange.batches(self._cancelled)
        finally:
            self.stop.cancel()
            for exchange in exchanges:
                exchange.discard()
            for thread in threads:
                thread.join()
            self.spilled_bytes = sum(exchange.spilled_bytes for exchange in exchanges)

    def measured(
        self,
        rows: Iterator[pa.RecordBatch],
        log_metric: Callable[[MetricName, float], None],
    ) -> Iterator[pa.RecordBatch]:
        """Pass on what became of `batches`; at its end, tell how much went to disk, if any did."""
        yield from rows
        if self.spilled_bytes:
            log_metric(MetricName.BYTES_SPILLED, self.spilled_bytes)

    def _pump(self, part: Batches, exchange: Exchange, exchanges: Sequence[Exchange]) -> None:
        try:
            with closing(part) as batches:
                for batch in batches:
                    self.stop.raise_if_set()
                    exchange.put(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, the consumer's thread raises it
            self._fail(error, exchanges)
        else:
            exchange.close()

    def _fail(self, error: Exception, exchanges: Sequence[Exchange]) -> None:
        with self._failed:
            if self.stop.is_set():
                return  # an earlier failure, or the end of the reading, is why this one failed
            for exchange in exchanges:
                exchange.fail(error)
            self.stop.cancel()

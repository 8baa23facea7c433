"""Keeping what a read or transform step produced, beside the steps that use it."""

import logging
import threading
from collections.abc import Callable, Iterable
from io import BytesIO

import pyarrow as pa

from osiris.core.atomic_file import AtomicFile
from osiris.core.cancel import CancelToken
from osiris.core.csv_format import CsvOptions, CsvSink
from osiris.core.errors import DataError
from osiris.core.events import ArtifactCreated
from osiris.core.records import Emit, LogLine
from osiris.core.run_options import StepOutputs
from osiris.core.step_place import StepPlace
from osiris.core.stream import TableStream

HEAD_BYTES = 10 * 1024 * 1024
"""What `StepOutputs.AUTO` keeps of a larger table: as many whole rows as fit into this."""
_PATIENCE = 5.0
"""Seconds to wait for a keeper that was told to stop; it stops between batches."""


class Keeper:
    """One more reader of a step's table, in a thread of its own, that writes it to a file.

    `start` begins once the table can be read, `finish` waits for the end and raises what went
    wrong, `give_up` ends it because the step failed. Each may be called more than once.
    """

    def __init__(
        self,
        *,
        place: StepPlace,
        step_id: str,
        open_stream: Callable[[CancelToken], TableStream],
        release: Callable[[], None],
        blame: Callable[[BaseException], bool],
        emit: Emit,
        cancel: CancelToken,
    ) -> None:
        self._token = CancelToken(cancel)
        self._place = place
        self._step_id = step_id
        self._open_stream = open_stream
        self._release = release
        self._blame = blame
        self._emit = emit
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Begin to read."""
        if self._thread is not None:
            return
        if self._place.outputs is StepOutputs.NONE:
            self._release()
            return
        self._thread = threading.Thread(
            target=self._run, name=f"keeper {self._step_id}", daemon=True
        )
        self._thread.start()

    def finish(self) -> None:
        """Wait until everything is written; raise what kept it from being written."""
        if self._thread is not None:
            self._thread.join()
        if self._error is not None:
            raise self._error

    def give_up(self) -> None:
        """Stop caring about the table and see that what was begun is removed."""
        self._token.cancel()
        if self._thread is not None:
            self._thread.join(_PATIENCE)
        self._release()

    def _run(self) -> None:
        with self._place.around_thread():
            self._read()

    def _read(self) -> None:
        stream = self._open_stream(self._token)
        try:
            self._keep(stream)
        except BaseException as error:  # noqa: BLE001 - told to the step's own thread by `finish`
            if self._matters(error, stream.error):
                self._error = error
            else:
                self._emit(
                    LogLine(
                        level=logging.WARNING,
                        logger="osiris.engine",
                        message=f"{self._step_id}: its output is not kept: {error}",
                    )
                )
        finally:
            stream.close()
            self._release()

    def _matters(self, error: BaseException, source_error: BaseException | None) -> bool:
        """Tell whether the step fails: not for data that only the keeper cannot take."""
        if self._token.is_set():
            return True
        if source_error is not None:
            return self._blame(source_error)
        return not isinstance(error, DataError)

    def _keep(self, stream: TableStream) -> None:
        directory = self._place.layout.artifact_dir(self._step_id)
        if self._place.outputs is StepOutputs.PARQUET:
            from osiris.core.parquet_file import write_parquet  # noqa: PLC0415 - 50 ms, seldom used

            file = AtomicFile(directory / "output.parquet")
            with file:
                rows = write_parquet(file, stream)
        else:
            limit = HEAD_BYTES if self._place.outputs is StepOutputs.AUTO else None
            file = AtomicFile(directory / "output.csv")
            with file:
                rows, whole = write_csv_head(file, stream, limit)
                if not whole:
                    file.path = directory / "output.head.csv"
        self._emit(
            ArtifactCreated(
                step_id=self._step_id,
                path=self._place.layout.relative(file.path),
                bytes=file.bytes,
                sha256=file.sha256,
                rows=rows,
            )
        )


def write_csv_head(file: AtomicFile, stream: TableStream, limit: int | None) -> tuple[int, bool]:
    """Write a table as CSV, at most `limit` bytes of whole rows.

    Returns the rows written and whether they are all there are. The cut depends on the rows alone,
    never on how they came in batches.
    """
    options = CsvOptions()
    rows = 0
    for batch in _with_header(stream):
        data = _formatted(batch, options, header=rows == 0 and batch.num_rows == 0)
        if limit is not None and file.bytes + len(data) > limit:
            fit = _rows_that_fit(batch, options, limit - file.bytes)
            file.write(_formatted(batch.slice(0, fit), options, header=False))
            return rows + fit, False
        file.write(data)
        rows += batch.num_rows
    return rows, True


def _with_header(stream: TableStream) -> Iterable[pa.RecordBatch]:
    """Yield an empty batch, which stands for the header, then the stream's batches with rows."""
    yield pa.RecordBatch.from_pylist([], schema=stream.schema)
    for batch in stream:
        if batch.num_rows:
            yield batch


def _formatted(batch: pa.RecordBatch, options: CsvOptions, *, header: bool) -> bytes:
    """Return a batch as CSV."""
    buffer = BytesIO()
    sink = CsvSink(buffer, batch.schema, options.with_header(header))
    sink.write(batch)
    sink.close()
    return buffer.getvalue()


def _rows_that_fit(batch: pa.RecordBatch, options: CsvOptions, room: int) -> int:
    """Return the largest number of leading rows whose CSV takes at most `room` bytes."""
    fit, unsure, used = 0, batch.num_rows, 0
    while unsure:
        half = (unsure + 1) // 2
        size = len(_formatted(batch.slice(fit, half), options, header=False))
        if used + size <= room:
            fit, unsure, used = fit + half, unsure - half, used + size
        elif half == 1:
            break
        else:
            unsure = half
    return fit

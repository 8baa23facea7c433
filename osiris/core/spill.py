"""One temporary Arrow IPC file: record batches that had to leave memory, in order."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from osiris.core.atomic_file import write_error


class SpillFile:
    """Batches appended by one thread, then sealed and read by another, as often as wanted.

    The file has no name once it is open, so that nothing is left behind whatever kills the process.
    Appending raises `DiskFullError` or `SystemStepError`. Not thread-safe by itself.
    """

    def __init__(self, directory: Path, schema: pa.Schema) -> None:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115 - lives until `close`
        except OSError as error:
            raise write_error(directory, error) from error
        self._directory = directory
        self._schema = schema
        self._sink = pa.PythonFile(self._file, "w")
        self._writer = pa.ipc.new_stream(self._sink, schema)
        self.sealed = False
        self.bytes = 0

    def append(self, batch: pa.RecordBatch) -> None:
        """Write one batch."""
        try:
            self._writer.write_batch(batch)
        except OSError as error:
            raise write_error(self._directory, error) from error
        self.bytes = self._sink.tell()

    def seal(self) -> None:
        """End the file; it can be read from now on."""
        if not self.sealed:
            self.sealed = True
            try:
                self._writer.close()
            except OSError as error:
                raise write_error(self._directory, error) from error

    def read(self) -> Iterator[pa.RecordBatch]:
        """Iterate over the batches of a sealed file from its beginning."""
        with os.fdopen(os.dup(self._file.fileno()), "rb", buffering=0) as handle:
            handle.seek(0)
            yield from pa.ipc.open_stream(pa.PythonFile(handle, "r"))

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()

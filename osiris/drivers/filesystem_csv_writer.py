"""Writing a table into one CSV file below the step's artifacts."""

import gzip
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa

from osiris.components.csv_dialect import compression_of
from osiris.components.filesystem_csv_writer import CsvWriterConfig
from osiris.core.atomic_file import AtomicFile
from osiris.core.csv_format import ByteSink, CsvOptions, CsvSink
from osiris.core.driver import DriverContext
from osiris.core.stream import TableStream


class FilesystemCsvWriterDriver:
    """Writes its one input as CSV; the host publishes the file when the step is complete."""

    def run(
        self,
        *,
        step_id: str,
        config: CsvWriterConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write the table and return `{"rows_written": rows}`.

        Raises `DataError` for a value the options cannot write, `DiskFullError` or
        `SystemStepError` for what the operating system refuses; nothing is left then.
        """
        (stream,) = inputs.values()
        name = PurePosixPath(config.path).name
        with AtomicFile(ctx.output_dir / name) as file:
            with _compressed(file, config) as target:
                sink = CsvSink(target, stream.schema, _options(config))
                for batch in stream:
                    ctx.cancelled.raise_if_set()
                    sink.write(batch)
                sink.close()
            ctx.cancelled.raise_if_set()
        ctx.log_file(step_id, file, rows=stream.rows)
        return {"rows_written": stream.rows}


def _options(config: CsvWriterConfig) -> CsvOptions:
    return CsvOptions(
        delimiter=config.delimiter,
        header=config.header,
        encoding=config.encoding,
        newline=config.newline,
        quoting=config.quoting,
        null_text=config.null_text,
    )


def _compressed(file: AtomicFile, config: CsvWriterConfig) -> AbstractContextManager[ByteSink]:
    """Return where the text goes: the file itself, or a compressor in front of it.

    The same text makes the same bytes: no time and no name in the gzip header.
    """
    compression = compression_of(config.path, config.compression)
    if compression == "none":
        return nullcontext(file)
    if compression == "gzip":
        return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0)
    stream: AbstractContextManager[ByteSink] = pa.CompressedOutputStream(
        pa.PythonFile(file, "w"), "zstd"
    )
    return stream

"""Writing a table into one Parquet file below the step's artifacts."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from osiris.components.filesystem_parquet_writer import ParquetWriterConfig
from osiris.core.atomic_file import AtomicFile
from osiris.core.driver import DriverContext
from osiris.core.parquet_file import ParquetOptions, ParquetSink
from osiris.core.stream import TableStream


class FilesystemParquetWriterDriver:
    """Writes its one input as Parquet; the host publishes the file when the step is complete."""

    def run(
        self,
        *,
        step_id: str,
        config: ParquetWriterConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write the table and return `{"rows_written": rows}`.

        Raises `DataError` for a type or value that Parquet cannot hold, `DiskFullError` or
        `SystemStepError` for what the operating system refuses; nothing is left then.
        """
        (stream,) = inputs.values()
        name = PurePosixPath(config.path).name
        options = ParquetOptions(config.compression, config.row_group_size, config.statistics)
        with AtomicFile(ctx.output_dir / name) as file:
            with ParquetSink(file, stream.schema, options) as sink:
                for batch in stream:
                    ctx.cancelled.raise_if_set()
                    sink.write(batch)
            ctx.cancelled.raise_if_set()
        ctx.log_file(step_id, file, rows=stream.rows)
        return {"rows_written": stream.rows}

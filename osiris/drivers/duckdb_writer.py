"""Writing into a table of a DuckDB file, in one transaction."""

from collections.abc import Mapping
from typing import Any

from osiris.components.duckdb_writer import DuckDBWriterConfig
from osiris.core.driver import DriverContext
from osiris.core.errors import ConfigError
from osiris.core.project_path import in_project
from osiris.core.stream import TableStream
from osiris.drivers.duckdb.database_file import open_writing
from osiris.drivers.duckdb.table_transaction import DuckDBTransaction
from osiris.drivers.relational.table_write import TableWriteStep, write_table


class DuckDBWriterDriver:
    """Writes its one input into a table of a file, which it changes in place."""

    def run(
        self,
        *,
        step_id: str,
        config: DuckDBWriterConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Write the table and return `{"rows_written": rows}`.

        Raises `ConfigError`, `DataError`, `TransientStepError` or `SystemStepError`; the database
        holds what it held before then.
        """
        (stream,) = inputs.values()
        ctx.cancelled.raise_if_set()
        path = ctx.base_dir / config.path
        name = in_project(path, ctx.base_dir)
        if not path.exists() and not config.create_if_missing:
            raise ConfigError(
                f"there is no file {name}", hint="check `path`, or set create_if_missing: true"
            )
        with open_writing(
            path,
            name=name,
            spill_dir=ctx.spill_dir,
            memory_limit=config.memory_limit,
            patience=config.lock_timeout,
            cancelled=ctx.cancelled,
        ) as connection:
            transaction = DuckDBTransaction(connection, config, ctx.cancelled)
            written = write_table(stream, TableWriteStep(step_id, config, ctx), transaction)
        return {"rows_written": written}

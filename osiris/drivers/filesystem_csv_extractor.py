"""Reading CSV files as one table."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import duckdb

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.driver import DriverContext
from osiris.core.errors import DataError
from osiris.core.stream import TableStream
from osiris.drivers.csv.casts import TypedColumn
from osiris.drivers.csv.faults import find_fault
from osiris.drivers.csv.files import CsvFile, readable_files
from osiris.drivers.csv.inference import infer_types
from osiris.drivers.csv.records import header_of
from osiris.drivers.csv.scan import CsvScan
from osiris.drivers.csv.source import CsvSource
from osiris.drivers.duckdb.connection import connect


class FilesystemCsvExtractorDriver:
    """Offers the files as a scan: whoever reads the table reads them where they lie."""

    def run(
        self,
        *,
        step_id: str,
        config: CsvExtractorConfig,
        inputs: Mapping[str, TableStream],
        ctx: DriverContext,
    ) -> Mapping[str, Any]:
        """Return `{"df": scan}`.

        Raises `ConfigError` for files that are not there or cannot be opened, `DataError` for
        files that are not what they are said to be.
        """
        del step_id, inputs
        ctx.cancelled.raise_if_set()
        files = tuple(readable_files(config, ctx.base_dir, ctx.spill_dir, ctx.cancelled))
        names = _names(files, config)
        source = CsvSource(files, config, len(names))
        types = _types(source, names, ctx)
        columns = [
            TypedColumn(name, place, kind, inferred=name not in config.declared)
            for place, (name, kind) in enumerate(zip(names, types, strict=True))
        ]
        return {"df": CsvScan(source, columns, ctx.spill_dir, ctx.cancelled)}


def _names(files: tuple[CsvFile, ...], config: CsvExtractorConfig) -> list[str]:
    """Return the names of the columns, which are the same in every file."""
    if not config.header:
        return list(config.declared)
    source = CsvSource(files, config, 0)
    first, *others = files
    names = header_of(first, source)
    for file in others:
        if (found := header_of(file, source)) != names:
            raise DataError(
                f"{file.original}:1: other columns than {first.original}: {', '.join(found)}",
                hint=f"expected {', '.join(names)}",
            )
    missing = [name for name in config.declared if name not in names]
    if missing:
        raise DataError(
            f"{first.original}:1: there is no column {', '.join(map(repr, missing))}",
            hint=f"the columns are {', '.join(names)}",
        )
    return names


def _types(source: CsvSource, names: Sequence[str], ctx: DriverContext) -> list[str]:
    """Return a type for every column: declared, inferred, or string."""
    declared = source.config.declared
    guessed = ["string"] * len(names)
    if source.config.infer and any(name not in declared for name in names):
        guessed = _guessed(CsvSource(source.files[:1], source.config, source.width), ctx)
    return [declared.get(name, kind) for name, kind in zip(names, guessed, strict=True)]


def _guessed(head: CsvSource, ctx: DriverContext) -> list[str]:
    """Return the types that the head of the first file suggests."""
    paths = [str(file.readable) for file in head.files]
    with closing(
        connect(paths=paths, spill_dir=ctx.spill_dir, memory_limit=head.memory_limit)
    ) as connection:
        forget = ctx.cancelled.on_cancel(connection.interrupt)
        try:
            return infer_types(connection, head)
        except duckdb.Error as error:
            ctx.cancelled.raise_if_set()
            raise find_fault(connection, head, ()) or error from error
        finally:
            forget()

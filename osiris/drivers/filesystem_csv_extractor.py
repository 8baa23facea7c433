"""Reading CSV files as one table."""

from collections.abc import Mapping, Sequence
from typing import Any

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.driver import DriverContext
from osiris.core.errors import DataError
from osiris.core.stream import TableStream
from osiris.drivers.csv.casts import TypedColumn
from osiris.drivers.csv.files import CsvFile, readable_files
from osiris.drivers.csv.inference import infer_types
from osiris.drivers.csv.line_ends import understandable
from osiris.drivers.csv.records import header_of
from osiris.drivers.csv.scan import CsvScan
from osiris.drivers.csv.source import CsvSource


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
        files = understandable(files, config, ctx.spill_dir)
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
    first, *others = files
    names = header_of(first, config)
    for file in others:
        if (found := header_of(file, config)) != names:
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
        head = CsvSource(source.files[:1], source.config, source.width)
        guessed = infer_types(head, ctx.spill_dir, ctx.cancelled)
    return [declared.get(name, kind) for name, kind in zip(names, guessed, strict=True)]

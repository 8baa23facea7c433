"""How a run's CSV file is written down, as far as it matters for finding a cell in it."""

import codecs
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from osiris.components.component import Mode
from osiris.components.csv_dialect import compression_of
from osiris.core.layout import RunLayout
from osiris.core.regular_file import UnusableFileError, read_regular_file

_LARGEST_CFG = 16 * 1024 * 1024


@dataclass(frozen=True)
class CsvDialect:
    """The options that a reader needs; `compression` is `none`, `gzip` or `zstd`."""

    delimiter: str = ","
    header: bool = True
    encoding: str = "utf-8"
    compression: str = "none"


def csv_dialect_of(name: str, layout: RunLayout) -> CsvDialect | None:
    """Return the dialect of the file at a path below the run directory, None when it is no CSV.

    A file that a write step made is as the step's config says; what the engine keeps of a step's
    output is always the same.
    """
    path = PurePosixPath(name)
    if ".csv" not in path.suffixes or len(path.parts) < 2:  # noqa: PLR2004 - artifacts/STEP
        return None
    config = _config(path.parts[1], layout)
    compression: Any = config.get("compression")
    if compression not in {"none", "gzip", "zstd"}:
        compression = compression_of(path.name, "infer")
    delimiter, header = config.get("delimiter"), config.get("header")
    return CsvDialect(
        delimiter=delimiter if isinstance(delimiter, str) and len(delimiter) == 1 else ",",
        header=header is not False,
        encoding=_encoding(config.get("encoding")),
        compression=compression,
    )


def _config(step_id: str, layout: RunLayout) -> dict[str, Any]:
    """Return the options of a write step; none for another, whose options are of its source."""
    try:
        data = json.loads(read_regular_file(layout.cfg / f"{step_id}.json", limit=_LARGEST_CFG))
    except (OSError, UnusableFileError, ValueError, RecursionError):
        return {}
    if not isinstance(data, dict) or data.get("mode") != Mode.WRITE:
        return {}
    config = data.get("config")
    return config if isinstance(config, dict) else {}


def _encoding(name: object) -> str:
    try:
        return codecs.lookup(name).name if isinstance(name, str) else "utf-8"
    except LookupError:
        return "utf-8"

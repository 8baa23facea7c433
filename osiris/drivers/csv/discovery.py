"""What is in CSV files: columns, the types their values have, rows."""

from pathlib import Path
from typing import Any, Final

from osiris.core.discovery import ColumnInfo, Found, TableInfo, Wanted
from osiris.core.first_rows import first_rows
from osiris.drivers.csv.scan import CsvScan

_HEAD_BYTES: Final = 1 << 16
_SUFFIXES: Final = (".csv", ".tsv", ".txt", ".psv")
_COMPRESSED: Final = ("", ".gz", ".zst", ".zstd")


def takes(path: str) -> bool:
    """Tell by the name whether a path or pattern names CSV files."""
    return path.lower().endswith(tuple(s + c for s in _SUFFIXES for c in _COMPRESSED))


def described(path: str, dialect: dict[str, Any], scan: CsvScan, wanted: Wanted) -> Found:
    """Return the table that the files are, with the config that reads it with the types found."""
    types = scan.column_types
    columns = tuple(
        ColumnInfo(name, types[name], str(kind))
        for name, kind in zip(scan.schema.names, scan.schema.types, strict=True)
    )
    table = TableInfo(
        None,
        path,
        "file",
        estimated_rows=_estimated_rows([Path(file) for file in scan.paths]),
        columns=columns,
        samples=first_rows(scan.head(), wanted.samples) if wanted.samples else None,
        read={"path": path, **dialect, "columns": types},
    )
    return Found((table,), names=(path,))


def _estimated_rows(files: list[Path]) -> int | None:
    """Return how many rows the files hold if all lines are as long as the first ones."""
    if any(file.suffix in _COMPRESSED[1:] for file in files):
        return None
    with files[0].open("rb") as file:
        head = file.read(_HEAD_BYTES)
    lines = head.count(b"\n") + (not head.endswith(b"\n"))
    size = sum(file.stat().st_size for file in files)
    return max(round(size * lines / max(len(head), 1)) - len(files), 0)

"""What Parquet files say they hold."""

from osiris.core.discovery import ColumnInfo, Found, TableInfo, Wanted
from osiris.core.first_rows import first_rows
from osiris.drivers.parquet.scan import ParquetScan
from osiris.drivers.parquet.source import ParquetSource


def takes(path: str) -> bool:
    """Tell by the name whether a path or pattern names Parquet files."""
    return path.lower().endswith((".parquet", ".pq", ".parq"))


def described(path: str, source: ParquetSource, wanted: Wanted) -> Found:
    """Return the table that the files are; its native types are the Arrow types stored in them."""
    columns = tuple(
        ColumnInfo(stored.name, str(stored.type), str(read.type), stored.nullable)
        for stored, read in zip(source.stored, source.schema, strict=True)
    )
    samples = first_rows(ParquetScan(source).head(), wanted.samples) if wanted.samples else None
    names = [column.name for column in columns]
    table = TableInfo(
        None,
        path,
        "file",
        estimated_rows=source.rows,
        columns=columns,
        samples=samples,
        read={"path": path, "columns": names} if names else None,
    )
    return Found((table,), names=(path,))

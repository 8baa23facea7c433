"""A small table as text for other programs: CSV, JSON lines."""

import io

import pyarrow as pa

from osiris.core.csv_format import CsvOptions, CsvSink
from osiris.core.csv_json import json_column
from osiris.core.csv_text import as_text


def csv_of(table: pa.Table) -> str:
    """Return the table as `filesystem.csv_writer` writes it; raise `DataError` as it does."""
    file = io.BytesIO()
    sink = CsvSink(file, table.schema, CsvOptions())
    for batch in table.to_batches():
        sink.write(batch)
    sink.close()
    return file.getvalue().decode()


def json_lines_of(table: pa.Table) -> list[str]:
    """Return a JSON object for each row; what JSON has no type for is the text a CSV file has."""
    columns = [column.combine_chunks() for column in table.columns]
    rows = pa.StructArray.from_arrays(columns, table.schema.names)
    lines: list[str] = json_column(rows, as_text).to_pylist()
    return lines

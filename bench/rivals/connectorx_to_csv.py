"""connectorx as its documentation has it: Arrow batches as they come, written by pyarrow.

Runs in an environment of its own: `python connectorx_to_csv.py URL TABLE PATH`.
"""

import sys

import connectorx  # type: ignore[import-not-found]  # installed in its own environment only
from pyarrow import csv

_BATCH_ROWS = 65_536


def main(url: str, table: str, path: str) -> None:
    """Copy a table to a CSV file."""
    batches = connectorx.read_sql(
        url,
        f"SELECT * FROM {table}",
        return_type="arrow_stream",
        batch_size=_BATCH_ROWS,
    )
    with csv.CSVWriter(path, batches.schema) as writer:
        for batch in batches:
            writer.write(batch)


if __name__ == "__main__":
    main(*sys.argv[1:])

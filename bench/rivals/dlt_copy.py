"""dlt as its documentation has it for speed: Arrow all the way, and files that load in bulk.

Runs in an environment of its own: `python dlt_copy.py JOB`, JOB being a JSON object with
`pipelines`, `source` and `target`; each of the two has `kind` with `path` and `columns` (types as
DuckDB calls them), or with `url`, `schema` and `table`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import dlt  # type: ignore[import-not-found]  # installed in its own environment only
from dlt.sources.filesystem import (  # type: ignore[import-not-found]  # as above
    readers,
)
from dlt.sources.sql_database import (  # type: ignore[import-not-found]  # as above
    sql_table,
)

_CHUNK_ROWS = 100_000
_DRIVERS = {"mysql": "mysql+pymysql", "postgres": "postgresql+psycopg2"}
# ADBC loads Parquet into PostgreSQL; into MySQL, rows are read from it and inserted.
_FILE_FORMATS = {"csv": "csv", "parquet": "parquet", "postgres": "parquet", "mysql": "parquet"}


def _source(place: dict[str, Any]) -> Any:
    if place["kind"] == "csv":
        path = Path(place["path"])
        files = readers(bucket_url=path.parent.as_uri(), file_glob=path.name)
        return files.read_csv_duckdb(
            chunk_size=_CHUNK_ROWS,
            use_pyarrow=True,
            dtype=place["columns"],
        )
    scheme, _, rest = place["url"].partition("://")
    return sql_table(
        credentials=f"{_DRIVERS[place['kind']]}://{rest}",
        schema=place["schema"],
        table=place["table"],
        backend="connectorx",
        chunk_size=_CHUNK_ROWS,
        backend_kwargs={
            "conn": f"{scheme}://{rest}",
            "return_type": "arrow_stream",
            "batch_size": _CHUNK_ROWS,
        },
    )


def _destination(place: dict[str, Any]) -> Any:
    if place["kind"] == "postgres":
        return dlt.destinations.postgres(place["url"])
    if place["kind"] == "mysql":
        _, _, rest = place["url"].partition("://")
        return dlt.destinations.sqlalchemy(f"{_DRIVERS['mysql']}://{rest}")
    return dlt.destinations.filesystem(Path(place["path"]).as_uri())


def main(job: dict[str, Any]) -> None:
    """Copy everything from the job's source to its target."""
    target = job["target"]
    pipeline = dlt.pipeline(
        "copy",
        destination=_destination(target),
        dataset_name=target.get("schema", "copied"),
        pipelines_dir=job["pipelines"],
    )
    pipeline.run(
        _source(job["source"]).with_name(target.get("table", "rows")),
        write_disposition="append",
        loader_file_format=_FILE_FORMATS[target["kind"]],
    )


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

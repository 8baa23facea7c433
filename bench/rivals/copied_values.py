"""What a tool wrote, summed up by column, so that the work of two tools can be compared."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import psycopg
import pymysql

from bench.rivals.jobs import COLUMNS, File, Place, Table

Execute = Callable[[str], list[tuple[Any, ...]]]

_READ: Final = {"csv": "read_csv('{}', header = true, all_varchar = true)", "parquet": "'{}'"}
# In a process of its own: DuckDB keeps memory that would weigh on what is measured next.
_PROGRAM: Final = (
    "import sys, json, duckdb; connection = duckdb.connect(); "
    "connection.execute(\"SET TimeZone = 'UTC'\"); connection.execute(sys.argv[1]); "
    "print(json.dumps([str(value) for value in connection.fetchone()]))"
)
_KIND: Final = (
    "CASE WHEN typeof(any_value({0})) LIKE '%INT' OR typeof(any_value({0})) = 'INTEGER' "
    "THEN 'INTEGER' ELSE regexp_extract(typeof(any_value({0})), '^[A-Z]+') END"
)
_HASHES: Final = {
    "mysql": ("CRC32({})", "CRC32(CONCAT_WS('|', {}))"),
    "postgres": ("hashtextextended(({})::text, 0)::numeric", "hashtextextended(ROW({})::text, 0)"),
}
_QUOTES: Final = {"mysql": "`", "postgres": '"'}


class NothingToReadError(RuntimeError):
    """What a tool is said to have written cannot be read; the message is the database's."""


def summary(place: Place, execute: Mapping[str, Execute]) -> dict[str, str]:
    """Return the number of rows, a sum for each column's values and one for whole rows.

    Two places with the same summary hold the same rows, in whatever order; values are compared
    as the types of the job's columns. But for CSV, the kind of type of every column is there too.
    `execute` runs SQL on the server of each kind.

    Raises:
        NothingToReadError: there is no file or table with these columns.
    """
    if isinstance(place, File):
        return _file_summary(place)
    try:
        return _table_summary(place, execute[place.kind])
    except (pymysql.Error, psycopg.Error) as error:
        raise NothingToReadError(str(error)) from error


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Say in a few words how what they wrote differs from what we wrote."""
    if ours["rows"] != theirs["rows"]:
        return f"WRITES {theirs['rows']} ROWS OF {ours['rows']}"
    kinds = [
        f"{column} as {theirs[key].lower()}"
        for column in COLUMNS
        if (key := f"kind of {column}") in ours and ours[key] != theirs[key]
    ]
    values = [column for column in COLUMNS if ours[column] != theirs[column]]
    if not values and ours["whole rows"] != theirs["whole rows"]:
        values = ["which values stand in one row"]
    said = f"OTHER VALUES in {', '.join(values)}" if values else "same values"
    return f"{said}, {', '.join(kinds)}" if kinds else said


def _table_summary(table: Table, execute: Execute) -> dict[str, str]:
    one, whole = _HASHES[table.kind]
    mark = _QUOTES[table.kind]
    quoted = [f"{mark}{column}{mark}" for column in COLUMNS]
    sums = [f"SUM({one.format(column)})" for column in quoted]
    row = f"SUM({whole.format(', '.join(quoted))})"
    [values] = execute(f"SELECT COUNT(*), {row}, {', '.join(sums)} FROM {table.name}")
    kinds = execute(
        "SELECT column_name, data_type FROM information_schema.columns "
        f"WHERE table_schema = '{table.schema}' AND table_name = '{table.name}'"
    )
    return {
        **dict(zip(("rows", "whole rows", *COLUMNS), map(str, values), strict=True)),
        **{f"kind of {column}": str(kind) for column, kind in kinds},
    }


def _file_summary(file: File) -> dict[str, str]:
    read = _READ[file.kind].format(file.path / "**" / f"*.{file.kind}")
    cast = {column: f'TRY_CAST("{column}" AS {kind})' for column, kind in COLUMNS.items()}
    names = ["rows", "whole rows", *COLUMNS]
    wanted = ["count(*)", f"sum(hash({', '.join(cast.values())}))"]
    wanted += [f"sum(hash({value}))" for value in cast.values()]
    if file.kind == "parquet":
        names += [f"kind of {column}" for column in COLUMNS]
        wanted += [_KIND.format(f'"{column}"') for column in COLUMNS]
    sql = f"SELECT {', '.join(wanted)} FROM {read}"
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, sql], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise NothingToReadError(done.stderr.strip())
    return dict(zip(names, json.loads(done.stdout), strict=True))

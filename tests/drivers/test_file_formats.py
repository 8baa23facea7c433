"""One table through CSV, Parquet and DuckDB files, each written and read, gives the same values."""

from contextlib import closing
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from osiris.core.driver_registry import DriverRegistry
from osiris.core.events import ArtifactCreated
from osiris.core.stream import Scan
from tests.support.driver_run import DriverRun, read_scan, stream_of

COLUMNS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "boolean": (pa.bool_(), [True, False, None]),
    "tinyint": (pa.int8(), [-128, 127, None]),
    "bigint": (pa.int64(), [-(2**63), 2**63 - 1, None]),
    "ubigint": (pa.uint64(), [0, 2**64 - 1, None]),
    "float": (pa.float32(), [1.5, float("-inf"), None]),
    "double": (pa.float64(), [5e-324, 1.7976931348623157e308, float("nan"), None]),
    "decimal(38,10)": (pa.decimal128(38, 10), [Decimal("9" * 28 + "." + "9" * 10), None]),
    "string": (
        pa.string(),
        ["", "NULL", "žluť 🐎", 'a "b",\r\nc', "\\N", "0\0", "x" * 100_000, None],
    ),
    "date": (pa.date32(), [date(1, 1, 1), date(9999, 12, 31), None]),
    "time": (pa.time64("us"), [time(0), time(23, 59, 59, 999_999), None]),
    "timestamp": (
        pa.timestamp("us"),
        [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999), None],  # noqa: DTZ001 - the type has no zone
    ),
    "timestamptz": (pa.timestamp("us", "UTC"), [0, -1, None]),
}
"""Types that all three hold, by the name that a CSV's `columns` gives them."""

NOT_IN_CSV: dict[str, tuple[pa.DataType, list[Any]]] = {
    "binary": (pa.binary(), [b"\0\xff", b"", None]),
    "list": (pa.list_(pa.int64()), [[1, None], [], None]),
    "struct": (pa.struct([("a", pa.int64()), ("b", pa.string())]), [{"a": 1, "b": "x"}, None]),
    "map": (pa.map_(pa.string(), pa.int64()), [[("k", 1)], None]),
    "timestamp ns": (pa.timestamp("ns"), [1, None]),
}
"""What CSV has only a text for."""


class Hop:
    """Writes a table into a file of one kind and reads it back."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def there_and_back(self, kind: str, table: pa.Table, types: dict[str, str]) -> pa.Table:
        family = "duckdb" if kind == "duckdb" else "filesystem"
        infix = "" if kind == "duckdb" else f"{kind}_"
        target: dict[str, Any] = {"path": f"t.{kind}"}
        if kind == "duckdb":
            target |= {"table": "t", "create_if_missing": True, "write_mode": "replace"}
        step = DriverRun(self.root)
        writer = DriverRegistry().component(f"{family}.{infix}writer")
        outputs = step.run(writer, {"df": stream_of(table, rows=2)}, **target)
        assert outputs["rows_written"] == table.num_rows
        path = f"t.{kind}"
        if any(isinstance(event, ArtifactCreated) for event in step.events):
            path = f"artifacts/step/{path}"
        source: dict[str, Any] = {"path": path, **({"table": "t"} if kind == "duckdb" else {})}
        if kind == "csv":
            source |= {"columns": types}
        reader = DriverRegistry().component(f"{family}.{infix}extractor")
        found = step.run(reader, {}, **source)["df"]
        if isinstance(found, Scan):
            return read_scan(found)
        with closing(found):
            return found.read_all()


@pytest.fixture
def hop(tmp_path: Path) -> Hop:
    return Hop(tmp_path)


def shown(table: pa.Table) -> str:
    """Return the values of the first column, nanoseconds as numbers."""
    column = table.column(0)
    return repr(
        (column.cast(pa.int64()) if column.type == pa.timestamp("ns") else column).to_pylist()
    )


@pytest.mark.parametrize("name", [*COLUMNS, *NOT_IN_CSV])
def test_a_type_survives_every_file(hop: Hop, name: str) -> None:
    kind, values = {**COLUMNS, **NOT_IN_CSV}[name]
    table = pa.table({'É "c"': pa.array(values, kind)})
    files = ["parquet", "duckdb", *(["csv"] if name in COLUMNS else []), "parquet", "duckdb"]
    found = table
    for file in files:
        found = hop.there_and_back(file, found, {'É "c"': name})
        assert found.schema.types == [kind], file
        assert shown(found) == shown(table), file


@pytest.mark.parametrize("file", ["csv", "parquet", "duckdb"])
@pytest.mark.parametrize("rows", [0, 1])
def test_500_columns_and_no_rows(hop: Hop, file: str, rows: int) -> None:
    names = [f"column {i} select" for i in range(500)]
    table = pa.table({name: pa.array([1][:rows], pa.int64()) for name in names})
    found = hop.there_and_back(file, table, dict.fromkeys(names, "bigint"))
    assert found.equals(table)

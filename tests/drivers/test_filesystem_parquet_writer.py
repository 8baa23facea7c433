"""The driver of filesystem.parquet_writer: the contract, and what must leave no file."""

import io
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import CancelledError, DataError
from osiris.core.events import ArtifactCreated
from osiris.core.metrics import MetricName
from osiris.core.stream import TableStream
from tests.contracts.driver_contract import DriverContract
from tests.support.driver_run import DriverRun, stream_of

WRITER = DriverRegistry().component("filesystem.parquet_writer")
TABLE = pa.table({"id": [1, 2, 3], "text": ["žluť", "", None]})


class TestContract(DriverContract):
    component = "filesystem.parquet_writer"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"path": "out/table.parquet"}


@pytest.fixture
def step(tmp_path: Path) -> DriverRun:
    return DriverRun(tmp_path)


def test_it_writes_the_table_and_tells_the_file(step: DriverRun) -> None:
    outputs = step.run(WRITER, {"df": stream_of(TABLE, rows=2)}, path="deep/down/t.parquet")
    assert outputs == {"rows_written": 3}
    (file,) = step.output_dir.iterdir()
    data = file.read_bytes()
    assert pq.ParquetFile(io.BytesIO(data)).read().equals(TABLE)
    (event,) = step.events
    assert isinstance(event, ArtifactCreated)
    assert (event.path, event.bytes) == ("artifacts/step/t.parquet", len(data))
    assert event.rows == 3
    assert step.metrics == {MetricName.BYTES_WRITTEN: len(data)}


def test_another_reader_reads_it(step: DriverRun) -> None:
    step.run(WRITER, {"df": stream_of(TABLE)}, path="t.parquet", compression="gzip")
    with duckdb.connect() as connection:
        found = connection.execute(f"FROM '{step.output_dir}/t.parquet'").fetchall()
    assert found == [(1, "žluť"), (2, ""), (3, None)]


@pytest.mark.parametrize(
    "options",
    [
        {"path": "out/"},
        {"path": ".."},
        {"path": ""},
        {"compression": "brotli"},
        {"row_group_size": 0},
        {"row_group_size": 10_000_000},
    ],
    ids=str,
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WRITER.config.model_validate({"path": "t.parquet", **options})


def _failing(error: Exception) -> Iterator[pa.RecordBatch]:
    yield from TABLE.to_batches()
    raise error


def test_an_input_that_ends_in_an_error_leaves_nothing(step: DriverRun) -> None:
    stream = TableStream(TABLE.schema, _failing(DataError("the source broke")))
    with pytest.raises(DataError, match="the source broke"):
        step.run(WRITER, {"df": stream}, path="t.parquet", row_group_size=1)
    assert list(step.output_dir.iterdir()) == []
    assert step.events == []


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_cancelled_step_leaves_nothing(step: DriverRun, after: int) -> None:
    """Stopped before, between and after the batches."""

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(2):
            if number == after:
                step.cancelled.cancel(CancelledError("stop"))
            yield from TABLE.to_batches()
        step.cancelled.cancel(CancelledError("stop"))

    with pytest.raises(CancelledError):
        step.run(WRITER, {"df": TableStream(TABLE.schema, batches())}, path="t.parquet")
    assert list(step.output_dir.iterdir()) == []
    assert step.events == []


_FULL = """
import pathlib, signal, sys
import pyarrow as pa
from tests.drivers.test_filesystem_parquet_writer import WRITER
from tests.support.driver_run import DriverRun, stream_of
from osiris.core.errors import DiskFullError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
step = DriverRun(pathlib.Path(sys.argv[1]))
table = pa.table({"n": [str(i * 7919 % 100_003) for i in range(100_000)]})
try:
    step.run(WRITER, {"df": stream_of(table)}, path="t.parquet", row_group_size=int(sys.argv[2]))
except DiskFullError as error:
    print(error.message)
    sys.exit(17)
"""


@pytest.mark.parametrize("rows", [10_000, 1_000_000])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, rows: int) -> None:
    """A limit on the size of a file stands for the disk: met between row groups, and at the end."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FULL, str(tmp_path), str(rows)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert done.returncode == 17, done.stderr
    assert "File too large" in done.stdout
    assert done.stderr == ""
    assert list((tmp_path / "artifacts" / "step").iterdir()) == []


_MEMORY = """
import pathlib, sys
import pyarrow as pa
from tests.drivers.test_filesystem_parquet_writer import WRITER
from tests.support.driver_run import DriverRun
from osiris.core.memory import peak_memory_bytes
from osiris.core.stream import TableStream

schema = pa.schema([("i", pa.int64()), ("s", pa.string())])
def batches(count):
    for start in range(count):
        i = range(start * 65536, (start + 1) * 65536)
        yield pa.record_batch({"i": list(i), "s": [f"text {n}" for n in i]}, schema=schema)

def peak(name, count):
    step = DriverRun(pathlib.Path(sys.argv[1]) / name)
    step.run(WRITER, {"df": TableStream(schema, batches(count))}, path="t.parquet")
    return peak_memory_bytes()

print(peak("small", 4), peak("large", 16))
"""


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(tmp_path)], capture_output=True, text=True, check=True
    )
    small, large = map(int, done.stdout.split())
    # The second table alone is 21 MB larger as it lies in memory.
    assert large - small < 12_000_000

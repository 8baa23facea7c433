"""The driver of filesystem.csv_writer: the contract, its options, and what must leave no file."""

import gzip
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from pydantic import ValidationError

from osiris.components.filesystem_csv_writer import CsvWriterConfig
from osiris.core.cancel import CancelToken
from osiris.core.driver import DriverContext
from osiris.core.errors import CancelledError, DataError, SystemStepError
from osiris.core.events import ArtifactCreated, StepEvent
from osiris.core.stream import TableStream
from osiris.drivers.filesystem_csv_writer import FilesystemCsvWriterDriver
from tests.contracts.driver_contract import DriverContract

TABLE = pa.table({"id": [1, 2, 3], "text": ["žluť", "", None]})
TEXT = '"id","text"\n1,"žluť"\n2,""\n3,\n'


class TestContract(DriverContract):
    component = "filesystem.csv_writer"

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        return {"path": "out/table.csv"}


class _Step:
    """One run of the driver and what it left."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "artifacts" / "s"
        self.events: list[StepEvent] = []
        self.cancelled = CancelToken()

    def run(self, stream: TableStream, **options: Any) -> int:
        self.directory.mkdir(parents=True, exist_ok=True)
        context = DriverContext(
            output_dir=self.directory,
            base_dir=self.directory,
            spill_dir=self.directory,
            log_event=self.events.append,
            log_metric=lambda *_: None,
            cancelled=self.cancelled,
        )
        config = CsvWriterConfig.model_validate({"path": "t.csv", **options})
        driver = FilesystemCsvWriterDriver()
        outputs = driver.run(step_id="s", config=config, inputs={"df": stream}, ctx=context)
        return int(outputs["rows_written"])

    def write(self, table: pa.Table = TABLE, *, rows: int | None = None, **options: Any) -> bytes:
        batches = table.to_batches(max_chunksize=rows)
        assert self.run(TableStream(table.schema, batches), **options) == table.num_rows
        (file,) = self.directory.iterdir()
        return file.read_bytes()


@pytest.fixture
def step(tmp_path: Path) -> _Step:
    return _Step(tmp_path)


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, TEXT),
        ({"delimiter": ";"}, TEXT.replace(",", ";")),
        ({"header": False}, TEXT.partition("\n")[2]),
        ({"newline": "crlf"}, TEXT.replace("\n", "\r\n")),
        ({"quoting": "minimal"}, 'id,text\n1,žluť\n2,""\n3,\n'),
        ({"quoting": "all"}, '"id","text"\n"1","žluť"\n"2",""\n"3",\n'),
        ({"null_text": "\\N"}, TEXT.replace("3,", "3,\\N")),
    ],
)
def test_an_option_is_honoured(step: _Step, options: dict[str, Any], expected: str) -> None:
    assert step.write(**options).decode() == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1250"])
def test_the_encoding(step: _Step, encoding: str) -> None:
    assert step.write(encoding=encoding, rows=1) == TEXT.encode(encoding)


def test_nothing_is_quoted(step: _Step) -> None:
    assert step.write(TABLE.slice(0, 1), quoting="none").decode() == "id,text\n1,žluť\n"
    with pytest.raises(DataError, match="column 'text', row 2: '' needs quotes"):
        step.run(TableStream(TABLE.schema, TABLE.to_batches()), path="other.csv", quoting="none")
    assert [p.name for p in step.directory.iterdir()] == ["t.csv"]


@pytest.mark.parametrize(
    "options",
    [{"null_text": text} for text in ("0", "-1.5", "nan", "INF", "true", "a,b", '"', "x\n")]
    + [
        {"null_text": "2024-01-01"},
        {"null_text": "12:00:00"},
        {"delimiter": "::"},
        {"delimiter": "-"},
        {"delimiter": "x"},
        {"encoding": "rot13"},
        {"encoding": "klingon"},
        {"path": "out/"},
        {"path": ".."},
        {"quoting": "some"},
        {"compression": "rar"},
    ],
    ids=str,
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CsvWriterConfig.model_validate({"path": "t.csv", **options})


# --- compression ---


def _unzstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


@pytest.mark.parametrize(
    "options, decompress",
    [
        ({"path": "t.csv.gz"}, gzip.decompress),
        ({"path": "t.csv.zst"}, _unzstd),
        ({"compression": "gzip"}, gzip.decompress),
        ({"compression": "zstd"}, _unzstd),
        ({"path": "t.gz", "compression": "none"}, bytes),
    ],
    ids=["gz", "zst", "gzip", "zstd", "none"],
)
@pytest.mark.parametrize("rows", [0, 3, 200_000])
def test_compressed_bytes_are_the_same_whenever_and_however_made(
    tmp_path: Path, options: dict[str, Any], decompress: Any, rows: int
) -> None:
    table = pa.table({"n": pa.array(range(rows), pa.int64())})
    first = _Step(tmp_path / "a").write(table, rows=7_000, **options)
    again = _Step(tmp_path / "b").write(table, rows=7_000, **options)
    assert first == again
    assert decompress(first).decode() == '"n"\n' + "".join(f"{n}\n" for n in range(rows))


def test_compressed_bytes_do_not_depend_on_batches(tmp_path: Path) -> None:
    table = pa.table({"n": pa.array(range(50_000), pa.int64())})
    for suffix in ("gz", "zst"):
        made = {
            _Step(tmp_path / suffix / str(rows)).write(table, rows=rows, path=f"t.{suffix}")
            for rows in (1_000, 3_333, None)
        }
        assert len(made) == 1


# --- what is told ---


def test_it_tells_the_file(step: _Step) -> None:
    data = step.write(path="deep/down/t.csv.gz")
    (event,) = step.events
    assert isinstance(event, ArtifactCreated)
    assert (event.path, event.bytes, event.rows) == ("artifacts/s/t.csv.gz", len(data), 3)


def test_no_rows_are_a_file_with_a_header(step: _Step) -> None:
    assert step.write(TABLE.slice(0, 0)).decode() == '"id","text"\n'


# --- what must leave no file ---


def _failing(error: Exception) -> Iterator[pa.RecordBatch]:
    yield from TABLE.to_batches()
    raise error


@pytest.mark.parametrize("path", ["t.csv", "t.csv.gz", "t.csv.zst"])
def test_an_input_that_ends_in_an_error_leaves_nothing(step: _Step, path: str) -> None:
    with pytest.raises(DataError, match="the source broke"):
        step.run(TableStream(TABLE.schema, _failing(DataError("the source broke"))), path=path)
    assert list(step.directory.iterdir()) == []
    assert step.events == []


@pytest.mark.parametrize("path", ["t.csv", "t.csv.gz", "t.csv.zst"])
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_cancelled_step_leaves_nothing(step: _Step, path: str, after: int) -> None:
    """Stopped before, between and after the batches."""

    def batches() -> Iterator[pa.RecordBatch]:
        for number in range(2):
            if number == after:
                step.cancelled.cancel(CancelledError("stop"))
            yield from TABLE.to_batches()
        step.cancelled.cancel(CancelledError("stop"))

    with pytest.raises(CancelledError):
        step.run(TableStream(TABLE.schema, batches()), path=path)
    assert list(step.directory.iterdir()) == []
    assert step.events == []


def test_no_columns_leave_nothing(step: _Step) -> None:
    with pytest.raises(DataError, match="without columns"):
        step.run(TableStream(pa.schema([]), []))
    assert list(step.directory.iterdir()) == []


def test_a_directory_in_the_way(step: _Step) -> None:
    (step.directory / "t.csv").mkdir(parents=True)
    with pytest.raises(SystemStepError, match=r"cannot write .*t\.csv"):
        step.run(TableStream(TABLE.schema, TABLE.to_batches()))
    assert [p.name for p in step.directory.iterdir()] == ["t.csv"]


_FULL = """
import pathlib, signal, sys
import pyarrow as pa
from tests.drivers.test_filesystem_csv_writer import _Step
from osiris.core.errors import DiskFullError
from osiris.core.stream import TableStream

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
step = _Step(pathlib.Path(sys.argv[1]))
table = pa.table({"n": [str(hash(i * 7919)) for i in range(300_000)]})
try:
    step.run(TableStream(table.schema, table.to_batches(max_chunksize=50_000)), path=sys.argv[2])
except DiskFullError as error:
    print(error.message)
    sys.exit(17)
"""


@pytest.mark.parametrize("path", ["t.csv", "t.csv.gz", "t.csv.zst"])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, path: str) -> None:
    """A limit on the size of a file stands for the disk."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FULL, str(tmp_path), path],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000)),
    )
    assert done.returncode == 17, done.stderr
    assert "File too large" in done.stdout
    assert done.stderr == ""
    assert list((tmp_path / "artifacts" / "s").iterdir()) == []

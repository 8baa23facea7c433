"""The driver of filesystem.parquet_extractor: the contract, columns, many files, broken files."""

import os
import random
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris.core.driver_registry import DriverRegistry
from osiris.core.errors import ConfigError, DataError, StepError
from osiris.core.stream import Scan
from tests.contracts.driver_contract import DriverContract
from tests.support.driver_run import DriverRun, read_scan, scan_input

EXTRACTOR = DriverRegistry().component("filesystem.parquet_extractor")
PROCESSOR = DriverRegistry().component("duckdb.processor")
TABLE = pa.table({"id": [1, 2, None], "a.b": ["x", "", None], "É\"'": [1.5, None, 2.5]})


class TestContract(DriverContract):
    component = "filesystem.parquet_extractor"

    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        pq.write_table(TABLE, tmp_path / "table.parquet")
        return {"path": "table.parquet"}


def read(root: Path, path: str = "t.parquet", **options: Any) -> pa.Table:
    found = DriverRun(root).run(EXTRACTOR, {}, path=path, **options)["df"]
    return read_scan(found) if isinstance(found, Scan) else found.read_all()


def query(root: Path, sql: str, path: str = "t.parquet") -> pa.Table:
    step = DriverRun(root)
    scan = step.run(EXTRACTOR, {}, path=path)["df"]
    assert isinstance(scan, Scan)
    return step.run(PROCESSOR, {"df": scan_input(scan)}, query=sql)["df"].read_all()


def test_it_reads_a_file(tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "t.parquet")
    assert read(tmp_path).equals(TABLE)


def test_columns_are_chosen_and_ordered(tmp_path: Path) -> None:
    pq.write_table(TABLE.append_column("a", pa.array([7, 8, 9])), tmp_path / "t.parquet")
    assert read(tmp_path, columns=["a.b", "id"]).equals(TABLE.select(["a.b", "id"]))
    assert read(tmp_path, columns=["a"]).to_pydict() == {"a": [7, 8, 9]}
    with pytest.raises(ConfigError, match="there is no column 'nope', 'b'"):
        read(tmp_path, columns=["id", "nope", "b"])


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    names = ["year=2024/[b].parquet", "year=2023/it's.parquet", "year=2023/a.parquet"]
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"n": [number]}), tmp_path / name)
    assert read(tmp_path, "year=*/*.parquet").to_pydict() == {"n": [2, 1, 0]}
    found = query(tmp_path, "SELECT * FROM df", "year=*/*.parquet")
    assert found.to_pydict() == {"n": [2, 1, 0]}


@pytest.mark.parametrize(
    "other, told",
    [
        (pa.table({"id": [1], "n": pa.array([1], pa.int32())}), "column 'n' is int32, but int64"),
        (pa.table({"id": [1], "m": [1]}), "other columns than .*a.parquet: id, m"),
        (pa.table({"n": [1], "id": [1]}), "other columns than .*a.parquet: n, id"),
    ],
    ids=["type", "name", "order"],
)
def test_files_must_be_alike(tmp_path: Path, other: pa.Table, told: str) -> None:
    pq.write_table(pa.table({"id": [1], "n": [1]}), tmp_path / "a.parquet")
    pq.write_table(other, tmp_path / "b.parquet")
    with pytest.raises(DataError, match=told) as caught:
        read(tmp_path, "*.parquet")
    assert "b.parquet: " in caught.value.message
    assert read(tmp_path, "*.parquet", columns=["id"]).num_rows == 2


@pytest.mark.parametrize("path", ["none.parquet", "none*.parquet", ""])
def test_nothing_to_read(tmp_path: Path, path: str) -> None:
    with pytest.raises((StepError, ValueError)):
        read(tmp_path, path)
    (tmp_path / "d").mkdir()
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "d")
    assert caught.value.hint == "to read the files in it: d/*.parquet"


def test_a_uuid_is_a_text_and_a_dictionary_its_values(tmp_path: Path) -> None:
    known = uuid.uuid4()
    table = pa.table(
        {
            "u": pa.array([known.bytes, None], pa.uuid()),
            "j": pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}", None])),
            "d": pa.array(["a", None]).dictionary_encode(),
            "l": pa.ListArray.from_arrays([0, 1, 1], pa.array(["a"]).dictionary_encode()),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    found = read(tmp_path)
    assert found.schema.types == [pa.string(), pa.string(), pa.string(), pa.list_(pa.string())]
    assert found.to_pylist()[0] == {"u": str(known), "j": "{}", "d": "a", "l": ["a"]}


def test_several_columns_of_one_name(tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.int64()), ("a", pa.int64())])
    with pq.ParquetWriter(tmp_path / "t.parquet", schema):
        pass
    with pytest.raises(DataError, match="several columns are named 'a'"):
        read(tmp_path)


def test_text_that_is_none(tmp_path: Path) -> None:
    raw = pa.array([b"ok", b"\xff"]).view(pa.string())
    pq.write_table(pa.table({"c": raw}), tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"t\.parquet: column 'c': .*UTF"):
        read(tmp_path)


# --- broken files ---


def _parquet(path: Path, rows: int = 20_000) -> bytes:
    table = pa.table({"i": list(range(rows)), "s": [f"text {i * 7919}" for i in range(rows)]})
    pq.write_table(table, path, write_page_checksum=True, row_group_size=5_000)
    return path.read_bytes()


def _flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "no Parquet file, or is cut short"),
    "text": (lambda _: b"id,name\n1,a\n" * 9, "no Parquet file, or is cut short"),
    "cut": (lambda data: data[: len(data) // 2], "no Parquet file, or is cut short"),
    "encrypted": (lambda data: data[:-4] + b"PARE", "is encrypted"),
    "long footer": (lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1", "cut short"),
    "flipped": (lambda data: _flip(data, len(data) // 3), "cannot be read as Parquet.*CRC"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named(tmp_path: Path, name: str) -> None:
    breaking, told = BROKEN[name]
    file = tmp_path / "t.parquet"
    file.write_bytes(breaking(_parquet(file)))
    with pytest.raises(DataError, match=told) as caught:
        read(tmp_path)
    assert caught.value.message.startswith(f"{file.name} ")
    assert str(tmp_path) not in caught.value.message


def test_any_byte_may_be_wrong(tmp_path: Path) -> None:
    """Whatever is damaged: an error of ours, or the file's contents. Never a crash."""
    file = tmp_path / "t.parquet"
    data = _parquet(file, 500)
    place, sound = random.Random(5), 0
    for _ in range(150):
        file.write_bytes(_flip(data, place.randrange(len(data))))
        try:
            sound += read(tmp_path).num_rows > 0
        except StepError:
            continue
    assert sound < 100


def test_sql_over_a_damaged_file_blames_the_file(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    data = _parquet(file)
    broken = bytearray(data)
    broken[200:3000] = bytes(2800)
    file.write_bytes(broken)
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        query(tmp_path, "SELECT sum(length(s)), sum(i) FROM df")


def test_a_file_that_changes_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "t.parquet"
    _parquet(file)
    scan = DriverRun(tmp_path).run(EXTRACTOR, {}, path="t.parquet")["df"]
    os.truncate(file, 1000)
    with pytest.raises(DataError, match="changed while it was read"):
        read_scan(scan)


# --- SQL over the files ---


def test_sql_reads_the_files_itself_and_counts_their_rows(tmp_path: Path) -> None:
    _parquet(tmp_path / "a.parquet")
    _parquet(tmp_path / "b.parquet")
    step = DriverRun(tmp_path)
    stream = scan_input(step.run(EXTRACTOR, {}, path="*.parquet")["df"])
    out = step.run(PROCESSOR, {"df": stream}, query="SELECT i FROM df ORDER BY i DESC LIMIT 1")
    assert out["df"].read_all().to_pydict() == {"i": [19_999]}
    assert stream.rows == 40_000


KINDS = {
    "integers": (pa.array([-(2**63), None]), True),
    "unsigned": (pa.array([2**64 - 1, None], pa.uint64()), True),
    "timestamp[us]": (pa.array([-1, None], pa.timestamp("us")), True),
    "timestamp[ns]": (pa.array([-1, None], pa.timestamp("ns")), True),
    "timestamp[ms]": (pa.array([-1, None], pa.timestamp("ms")), False),
    "zoned": (pa.array([-1, None], pa.timestamp("us", "UTC")), True),
    "duration": (pa.array([-1, None], pa.duration("us")), False),
    "half": (pa.array([1.5, None], pa.float16()), False),
    "decimal": (pa.array([1, None], pa.decimal128(38, 5)), True),
    "decimal256": (pa.array([1, None], pa.decimal256(50, 5)), False),
    "large": (pa.array(["a", None], pa.large_string()), True),
    "list": (pa.array([["a"], None]), True),
    "struct": (pa.array([{"a": [1]}, None]), True),
    "dictionary": (pa.array(["a", None]).dictionary_encode(), False),
}


@pytest.mark.parametrize("name", KINDS)
def test_sql_sees_the_same_whether_it_reads_the_file_or_a_stream(tmp_path: Path, name: str) -> None:
    array, fused = KINDS[name]
    pq.write_table(pa.table({"c": array}), tmp_path / "t.parquet")
    step = DriverRun(tmp_path)
    found = step.run(EXTRACTOR, {}, path="t.parquet")["df"]
    assert isinstance(found, Scan) is fused
    if not fused:
        return
    sql = "SELECT c, typeof(c) AS t FROM df"
    stream = scan_input(found)
    stream.scan = None
    streamed = step.run(PROCESSOR, {"df": stream}, query=sql)["df"].read_all()
    assert query(tmp_path, sql).equals(streamed)


_BOUNDED = """
import pathlib, sys
from tests.drivers.test_filesystem_parquet_extractor import EXTRACTOR
from tests.support.driver_run import DriverRun
from osiris.core.memory import peak_memory_bytes

def peak(name):
    step = DriverRun(pathlib.Path(sys.argv[1]))
    batches = step.run(EXTRACTOR, {}, path=name)["df"].head()
    assert sum(batch.num_rows for batch in batches) == 400_000
    return peak_memory_bytes()

print(peak("small.parquet"), peak("large.parquet"), "pyarrow.dataset" in sys.modules)
"""


def test_a_large_row_group_is_not_read_whole(tmp_path: Path) -> None:
    for name, length in (("small", 1), ("large", 200)):
        texts = [f"{i * 7919:0{length}}" for i in range(400_000)]
        table = pa.table({"s": texts})
        pq.write_table(
            table, tmp_path / f"{name}.parquet", row_group_size=400_000, use_dictionary=False
        )
    done = subprocess.run(
        [sys.executable, "-c", _BOUNDED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    small, large, dataset = done.stdout.split()
    assert int(large) - int(small) < 50_000_000  # the large one is 80 MB of text
    assert dataset == "False"

"""Parquet as it is written: what has no place in it, the same bytes however batched, memory."""

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osiris.core.atomic_file import AtomicFile
from osiris.core.errors import DataError
from osiris.core.parquet_file import ParquetOptions, ParquetSink
from osiris.core.row_sizes import row_sizes


def written(
    path: Path, table: pa.Table, rows: int | None = None, options: ParquetOptions | None = None
) -> bytes:
    with (
        AtomicFile(path) as file,
        ParquetSink(file, table.schema, options or ParquetOptions()) as sink,
    ):
        for batch in table.to_batches(max_chunksize=rows):
            sink.write(batch)
    return path.read_bytes()


def read(data: bytes) -> pa.Table:
    return pq.ParquetFile(io.BytesIO(data)).read()


EXACT: dict[str, pa.Array] = {
    "null": pa.nulls(2),
    "bool": pa.array([True, None]),
    "uint64": pa.array([2**64 - 1, None], pa.uint64()),
    "half": pa.array([1.5, None], pa.float16()),
    "nan": pa.array([float("nan"), float("-inf")]),
    "time64[ns]": pa.array([5, None], pa.time64("ns")),
    "timestamp[ns]": pa.array([-(2**63) + 1, 2**63 - 1], pa.int64()).view(pa.timestamp("ns")),
    "timestamp[us, zone]": pa.array([5, None], pa.timestamp("us", "Europe/Prague")),
    "duration[s]": pa.array([5, None], pa.duration("s")),
    "decimal128": pa.array([Decimal("9" * 38), None], pa.decimal128(38, 0)),
    "decimal256": pa.array([Decimal("9" * 76), None], pa.decimal256(76, 0)),
    "large_string": pa.array(["", None], pa.large_string()),
    "string_view": pa.array(["a" * 20, None], pa.string_view()),
    "NUL": pa.array(["a\0b", "žluť 🐎"]),
    "binary": pa.array([b"\xff\0", None]),
    "fixed_size_binary": pa.array([b"ab", None], pa.binary(2)),
    "list": pa.array([[1, None], None]),
    "fixed_size_list": pa.array([[1, 2], None], pa.list_(pa.int64(), 2)),
    "struct": pa.array([{"a": 1}, {"a": None}]),
    "map": pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("name", EXACT)
def test_a_value_is_read_back_in_its_type(tmp_path: Path, name: str) -> None:
    table = pa.table({"c": EXACT[name]})
    back = read(written(tmp_path / "t", table))
    assert back.schema.types == table.schema.types
    assert str(back["c"].combine_chunks()) == str(EXACT[name])


DATE64 = pa.array([86_400_000, None], pa.int64()).view(pa.date64())
RUNS = pa.RunEndEncodedArray.from_arrays([1, 2], ["a", None])
OTHERWISE: dict[str, tuple[pa.Array, pa.DataType]] = {
    "dictionary": (pa.array(["a", None]).dictionary_encode(), pa.string()),
    "run-end encoded": (RUNS, pa.string()),
    "list of dictionary": (
        pa.ListArray.from_arrays([0, 1], pa.array(["a"]).dictionary_encode()),
        pa.list_(pa.string()),
    ),
    "date64": (DATE64, pa.date32()),
    "time32[s]": (pa.array([5, None], pa.time32("s")), pa.time32("ms")),
    "timestamp[s]": (pa.array([5, None], pa.timestamp("s", "UTC")), pa.timestamp("ms", "UTC")),
    "negative scale": (
        pa.array([Decimal(100), None], pa.decimal128(5, -2)),
        pa.decimal128(7, 0),
    ),
    "long negative scale": (
        pa.array([Decimal(100), None], pa.decimal128(38, -2)),
        pa.decimal256(40, 0),
    ),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_type_that_is_stored_as_another(tmp_path: Path, name: str) -> None:
    array, kind = OTHERWISE[name]
    back = read(written(tmp_path / "t", pa.table({"c": array})))
    assert back.schema.types == [kind]
    assert back["c"].to_pylist() == array.to_pylist()


NO_PLACE = {
    "interval": pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
    "interval inside": pa.array([[(1, 2, 3)]], pa.list_(pa.month_day_nano_interval())),
    "struct<>": pa.array([{}], pa.struct([])),
    "union": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
    "fixed_size_binary[0]": pa.array([b""], pa.binary(0)),
    "decimal256": pa.array([Decimal(100)], pa.decimal256(76, -2)),
}


@pytest.mark.parametrize("name", NO_PLACE)
def test_a_type_that_has_no_place_is_named_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    table = pa.table({"ok": [1], "c": NO_PLACE[name]})
    with pytest.raises(DataError, match="column 'c': Parquet has no type for "):
        written(tmp_path / "t", table)
    assert list(tmp_path.iterdir()) == []


MISFITS = {
    "a part of a day": pa.array([1], pa.int64()).view(pa.date64()),
    "too late": pa.array([2**62], pa.int64()).view(pa.timestamp("s")),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_value_that_would_be_lost(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"column 'c': a value of type .* does not fit"):
        written(tmp_path / "t", pa.table({"c": MISFITS[name]}))
    assert list(tmp_path.iterdir()) == []


def test_no_columns(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="without columns"):
        written(tmp_path / "t", pa.table({}))


def test_no_rows_and_500_columns(tmp_path: Path) -> None:
    table = pa.table({f'select "{i}" É\'': pa.array([], pa.int32()) for i in range(500)})
    assert read(written(tmp_path / "t", table)).equals(table)


def _wide(rows: int) -> pa.Table:
    return pa.table(
        {
            "i": pa.array([None if i % 5 == 0 else i for i in range(rows)], pa.int64()),
            "s": [f"{i * 7919 % 10007}" * (i % 7) for i in range(rows)],
            "l": [[i, i + 1][: i % 3] for i in range(rows)],
            "d": pa.array([f"{i % 9}" for i in range(rows)]).dictionary_encode(),
        }
    )


@pytest.mark.parametrize("compression", ["zstd", "snappy", "gzip", "none"])
def test_the_bytes_do_not_depend_on_batches(tmp_path: Path, compression: Any) -> None:
    table, options = _wide(20_000), ParquetOptions(compression, row_group_size=7_000)
    made = {written(tmp_path / "t", table, rows, options) for rows in (997, 7_000, 9_001, None)}
    assert len(made) == 1
    metadata = pq.ParquetFile(io.BytesIO(made.pop())).metadata
    assert [metadata.row_group(i).num_rows for i in range(3)] == [7_000, 7_000, 6_000]
    told = {"none": "UNCOMPRESSED"}.get(compression, compression.upper())
    assert metadata.row_group(0).column(0).compression == told


def test_statistics_can_be_left_out(tmp_path: Path) -> None:
    for wanted in (True, False):
        data = written(tmp_path / "t", _wide(10), None, ParquetOptions(statistics=wanted))
        column = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
        assert column.is_stats_set is wanted


def test_long_rows_end_a_row_group_early_and_at_the_same_row(tmp_path: Path) -> None:
    sizes = [(i * 7919) % 900_001 for i in range(300)]
    table = pa.table(
        {
            "b": pa.array([b"x" * size for size in sizes]),
            "l": pa.array([["y" * (size // 9)] * (size % 3) for size in sizes]),
            "m": pa.array([[("k", "v" * (size % 11))] for size in sizes], pa.map_("str", "str")),
        }
    )
    made = {written(tmp_path / "t", table, rows) for rows in (1, 7, 100, None)}
    assert len(made) == 1
    metadata = pq.ParquetFile(io.BytesIO(made.pop())).metadata
    assert metadata.num_row_groups == 1 + table.nbytes // (64 * 1024 * 1024)
    assert metadata.num_rows == 300


def test_the_size_of_a_row_is_its_own() -> None:
    batch = _wide(100).to_batches()[0]
    whole = row_sizes(batch)
    parts = [row_sizes(batch.slice(i, 3)) for i in range(0, 100, 3)]
    assert pa.concat_arrays(parts).equals(whole)
    assert sum(whole.to_pylist()) <= batch.nbytes

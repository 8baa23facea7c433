"""Where two files part ways: found exactly, in files of any shape, in bounded memory."""

import csv
import gzip
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.components.filesystem_csv_writer import CsvWriterConfig
from osiris.core.layout import RunLayout
from osiris.parity.comparison import Place
from osiris.parity.csv_dialect_of import CsvDialect, csv_dialect_of
from osiris.parity.first_difference import first_difference

PLAIN = CsvDialect()
GZIP = gzip.compress(b"a\n" * 999, mtime=0)
CELL = st.text(st.sampled_from('ab"\n\r,; é\U0001f40d'), max_size=4)
TABLE = st.integers(1, 3).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=6)
)


def write(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def place(
    tmp_path: Path, a: bytes | str, b: bytes | str, dialect: CsvDialect | None = PLAIN
) -> Place | None:
    one, other = write(tmp_path / "a.csv", a), write(tmp_path / "b.csv", b)
    return first_difference(one, other, dialect=dialect)


def shared(a: bytes, b: bytes) -> int:
    """Count the bytes at the beginning that are the same."""
    return next((i for i in range(min(len(a), len(b))) if a[i] != b[i]), min(len(a), len(b)))


def as_csv(rows: list[list[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


def test_the_row_the_column_and_both_values(tmp_path: Path) -> None:
    a = 'id,text\n1,"one\nline"\n2,"two"\n3,"three"\n'
    found = place(tmp_path, a, a.replace("three", "tree"))
    assert found == Place(row=3, column="text", line=5, a="three", b="tree")
    assert str(found) == "row 3, column text, line 5"


def test_a_row_less_and_a_row_more(tmp_path: Path) -> None:
    a = "id,text\n1,x\n2,y\n"
    assert place(tmp_path, a, "id,text\n1,x\n") == Place(row=2, line=3, a="2, y", b=None)
    assert place(tmp_path, "id,text\n1,x\n", a) == Place(row=2, line=3, a=None, b="2, y")
    assert place(tmp_path, "", "id\n") == Place(row=0, line=1, a=None, b="id")


def test_another_header_and_another_number_of_columns(tmp_path: Path) -> None:
    assert place(tmp_path, "a,b\n", "a,c\n") == Place(row=0, column="2", line=1, a="b", b="c")
    found = place(tmp_path, "a,b\n1,2\n", "a,b\n1,2,3\n")
    assert found == Place(row=1, column="3", line=2, a=None, b="3")


def test_only_the_quotes_differ(tmp_path: Path) -> None:
    """NULL and the empty text are the same to a reader of CSV, and not the same."""
    found = place(tmp_path, "a,b\n1,\n", 'a,b\n1,""\n')
    assert found == Place(byte=6, line=2, a="1,", b='1,""')


def test_without_a_header_rows_count_from_the_first(tmp_path: Path) -> None:
    found = place(tmp_path, "1;x\n2;y\n", "1;x\n2;z\n", CsvDialect(delimiter=";", header=False))
    assert found == Place(row=2, column="2", line=2, a="y", b="z")


@settings(deadline=None, max_examples=150)
@given(a=TABLE, data=st.data())
def test_any_two_tables(tmp_path_factory: pytest.TempPathFactory, a: Any, data: Any) -> None:
    """Against looking at both tables in memory."""
    row = data.draw(st.integers(0, len(a) - 1))
    column = data.draw(st.integers(0, len(a[0]) - 1))
    b = [list(cells) for cells in a]
    b[row][column] = data.draw(CELL)
    found = place(tmp_path_factory.mktemp("t"), as_csv(a, ";"), as_csv(b, ";"), CsvDialect(";"))
    if a == b:
        assert found is None
        return
    assert found is not None
    assert (found.row, found.a, found.b) == (row, a[row][column], b[row][column])
    assert found.column == (a[0][column] if row else str(column + 1))
    assert found.line == 1 + as_csv(a[:row], ";").count("\n") + sum(
        cell.replace("\r\n", "").count("\r") for cells in a[:row] for cell in cells
    )


@settings(deadline=None)
@given(a=st.binary(max_size=60), b=st.binary(max_size=60))
def test_any_two_files(tmp_path_factory: pytest.TempPathFactory, a: bytes, b: bytes) -> None:
    found = place(tmp_path_factory.mktemp("t"), a, b, None)
    if a == b:
        assert found is None
        return
    assert found is not None
    assert found.byte == shared(a, b)


def test_far_into_a_file(tmp_path: Path) -> None:
    beginning = b"line\n" * 1_000_000
    found = place(tmp_path, beginning + b"end A", beginning + b"end B", None)
    assert found == Place(byte=5_000_004, line=1_000_001, a="end A", b="end B")
    found = place(tmp_path, beginning + b"\0\1\2", beginning, None)
    assert found == Place(byte=5_000_000, a="00 01 02", b=None)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_as_a_writer_writes_it(tmp_path: Path, compression: str, encoding: str) -> None:
    def made(name: str, text: str) -> Path:
        data = text.encode(encoding)
        if compression == "gzip":
            data = gzip.compress(data, mtime=0)
        elif compression == "zstd":
            with pa.CompressedOutputStream(str(tmp_path / name), "zstd") as stream:
                stream.write(text.encode(encoding))
            return tmp_path / name
        return write(tmp_path / name, data)

    rows = "".join(f'{i}|"é{i}"\n' for i in range(50_000))
    a = made("a.csv", "id|text\n" + rows)
    b = made("b.csv", "id|text\n" + rows.replace("é40000", "è40000"))
    dialect = CsvDialect(delimiter="|", encoding=encoding, compression=compression)
    found = first_difference(a, b, dialect=dialect)
    assert found == Place(row=40_001, column="text", line=40_002, a="é40000", b="è40000")


def test_the_dialect_is_that_of_the_step(tmp_path: Path) -> None:
    layout = RunLayout(tmp_path)
    layout.cfg.mkdir()
    config = CsvWriterConfig(path="x.csv.gz", delimiter="\t", header=False, encoding="latin-1")
    text = config.model_dump_json()
    (layout.cfg / "w.json").write_text(f'{{"mode": "write", "config": {text}}}')
    (layout.cfg / "r.json").write_text(f'{{"mode": "read", "config": {text}}}')
    expected = CsvDialect("\t", header=False, encoding="iso8859-1", compression="gzip")
    assert csv_dialect_of("artifacts/w/x.csv.gz", layout) == expected
    assert csv_dialect_of("artifacts/r/output.csv", layout) == PLAIN
    assert csv_dialect_of("artifacts/gone/output.csv", layout) == PLAIN
    assert csv_dialect_of("artifacts/w/ids.txt", layout) is None
    for damaged in ("", "[]", '{"mode": "write"}', '{"mode": "write", "config": {"encoding": []}}'):
        (layout.cfg / "w.json").write_text(damaged)
        assert csv_dialect_of("artifacts/w/x.csv", layout) == PLAIN


@pytest.mark.parametrize(
    "a,b,dialect",
    [
        (b"\xff\xfe,\n", b"\xff\xff,\n", PLAIN),
        (b"not gzip", b"not gzip either", CsvDialect(compression="gzip")),
        (
            gzip.compress(b"a\n" * 999, mtime=0)[:-9],
            gzip.compress(b"a\n" * 999, mtime=0),
            CsvDialect(compression="gzip"),
        ),
        (b"not zstd", b"not zstd either", CsvDialect(compression="zstd")),
        (b'"' + b"x" * 200_000, b'"' + b"x" * 200_001, PLAIN),
        (b"x" * 3_000_000, b"x" * 3_000_001, PLAIN),
        (b"a\0b\n", b"a\0c\n", PLAIN),
        (b"\x80\n", b"\x81\n", CsvDialect(encoding="utf-16")),
    ],
)
def test_what_is_no_sound_csv_is_still_told_apart(
    tmp_path: Path, a: bytes, b: bytes, dialect: CsvDialect
) -> None:
    found = place(tmp_path, a, b, dialect)
    assert found is not None
    assert found.row is not None or found.byte == shared(a, b)


def parquet(tmp_path: Path, a: pa.Table, b: pa.Table, **options: Any) -> Place | None:
    one, other = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(a, one)
    pq.write_table(b, other, **options)
    return first_difference(one, other, dialect=None)


def numbered(rows: int, **change: Any) -> pa.Table:
    columns: dict[str, list[Any]] = {
        "id": list(range(rows)),
        "x": [i / 2 for i in range(rows)],
        "n": [None, "t"] * rows,
    }
    columns["n"] = columns["n"][:rows]
    columns["x"][0] = float("nan")
    for name, (index, value) in change.items():
        columns[name][index] = value
    return pa.table(columns)


def test_the_first_value_of_a_parquet_file(tmp_path: Path) -> None:
    a = numbered(10_000)
    found = parquet(tmp_path, a, numbered(10_000, x=(7000, 1.5)), row_group_size=333)
    assert found == Place(row=7001, column="x", a="3500.0", b="1.5")
    found = parquet(tmp_path, a, numbered(10_000, n=(8000, ""), x=(8001, 1.0)))
    assert found == Place(row=8001, column="n", a="None", b="''")
    assert parquet(tmp_path, a, numbered(9999)) == Place(row=10_000, a="9999, 4999.5, t", b=None)
    assert parquet(tmp_path, numbered(2), a) == Place(row=3, a=None, b="2, 1.0, None")


def test_parquet_files_of_the_same_rows(tmp_path: Path) -> None:
    a = numbered(10_000)
    found = parquet(tmp_path, a, a, row_group_size=1000, compression="zstd")
    assert found is not None
    assert found.note == "the rows are the same; only how they are stored differs"


def test_parquet_files_of_other_columns(tmp_path: Path) -> None:
    a = numbered(5)
    found = parquet(tmp_path, a, a.rename_columns(["id", "y", "n"]))
    assert found == Place(column="x", a="pyarrow.Field<x: double>", b="pyarrow.Field<y: double>")
    found = parquet(tmp_path, a, a.drop_columns(["n"]))
    assert found == Place(column="n", a="pyarrow.Field<n: string>", b=None)


@pytest.mark.parametrize("cut", [0, 3, 50, -1, -10])
def test_a_parquet_file_that_is_cut(tmp_path: Path, cut: int) -> None:
    pq.write_table(numbered(100), tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    other = write(tmp_path / "b.parquet", whole[:cut])
    found = first_difference(tmp_path / "a.parquet", other, dialect=None)
    assert found is not None
    assert found.byte == len(whole[:cut])


def test_files_that_cannot_be_read_have_no_place(tmp_path: Path) -> None:
    one = write(tmp_path / "a.csv", "a")
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "link.csv").symlink_to(one)
    for name in ("gone.csv", "pipe.csv", "link.csv"):
        assert first_difference(one, tmp_path / name, dialect=PLAIN) is None


_LARGE = """
import resource, sys
from pathlib import Path
from osiris.parity.csv_dialect_of import CsvDialect
from osiris.parity.first_difference import first_difference
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
a, b = Path(sys.argv[1]), Path(sys.argv[2])
print(first_difference(a, b, dialect=CsvDialect()))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize("line", [b'1,"a text of some length"\n', b'"', b"x"])
def test_memory_is_bounded(tmp_path: Path, line: bytes) -> None:
    beginning = line * (32_000_000 // len(line))
    a, b = write(tmp_path / "a", beginning + b"A"), write(tmp_path / "b", beginning + b"B")
    done = subprocess.run(
        [sys.executable, "-c", _LARGE, a, b],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    found, kilobytes = done.stdout.splitlines()
    assert found != "None"
    assert int(kilobytes) * (1024 if sys.platform == "linux" else 1) < 12 * 1024 * 1024

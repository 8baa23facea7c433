"""The driver of filesystem.csv_extractor: the contract, all kinds of files, what is wrong."""

import gzip
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.core.errors import ConfigError, DataError
from osiris.drivers.csv.file_end import cut_fault
from osiris.drivers.csv.files import CHUNK, CsvFile
from tests.contracts.driver_contract import DriverContract
from tests.support.csv_reading import refused, scanned
from tests.support.driver_run import read_scan


class TestContract(DriverContract):
    component = "filesystem.csv_extractor"

    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "in.csv").write_text("id,text\n1,a\n2,\n")
        return {"path": "in.csv"}


def rows(root: Path, path: str = "*.csv", **options: Any) -> list[dict[str, Any]]:
    """Read files below a directory, and count them in the other way."""
    scan = scanned(root, path, **options)
    found: list[dict[str, Any]] = read_scan(scan).to_pylist()
    assert scan.count() == len(found)
    return found


# --- which files ---


def test_files_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.csv").write_text(f"name\n{name}\n")
    assert [row["name"] for row in rows(tmp_path)] == ["a", "b", "c"]


@pytest.mark.parametrize(
    "header,shown",
    [("id", "id"), ("name,id", "name, id"), ("id,Name", "id, Name"), ("id,name,", "")],
)
def test_files_with_other_columns_are_refused(tmp_path: Path, header: str, shown: str) -> None:
    (tmp_path / "a.csv").write_text("id,name\n1,x\n")
    (tmp_path / "b.csv").write_text(f"{header}\n1\n")
    error = refused(tmp_path)
    assert "b.csv:1: " in error.message
    assert shown in error.message
    if shown:
        assert error.hint == "expected id, name"


def test_no_file_and_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\*\.csv"):
        scanned(tmp_path)
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(ConfigError, match=r"a\.csv"):
        scanned(tmp_path, "a.csv")


# Root may read every file. What must be imported is imported before root becomes somebody else.
SOMEBODY = """
import os, sys
from pathlib import Path
from osiris.core.errors import ConfigError
from tests.drivers.test_filesystem_csv_extractor import refused, rows
root = Path(sys.argv[1])
rows(root / "first", "../open.csv")
if os.geteuid() == 0:
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
assert rows(root, "open.csv") == [{"id": 1}]
error = refused(root, "closed.csv")
assert isinstance(error, ConfigError), error
print(error.message)
"""


def test_a_file_that_may_not_be_read() -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place:  # pytest's own lets only root in
        root = Path(place)
        root.chmod(0o777)
        (root / "first").mkdir()
        for name, mode in (("open", 0o644), ("closed", 0)):
            (root / f"{name}.csv").write_text("id\n1\n")
            (root / f"{name}.csv").chmod(mode)
        command = [sys.executable, "-c", SOMEBODY, place]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
        )
    assert done.returncode == 0, done.stderr
    assert "closed.csv" in done.stdout
    assert "ermission denied" in done.stdout


def test_a_file_that_changes_between_the_offer_and_the_reading(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id\n1\n")
    scan = scanned(tmp_path)
    file.write_text("id\n1\n2\n")
    with pytest.raises(DataError, match=r"a\.csv changed while it was read"):
        read_scan(scan)
    with pytest.raises(DataError, match=r"a\.csv changed while it was read"):
        scan.count()


def test_a_file_that_disappears(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id\n1\n")
    scan = scanned(tmp_path)
    (tmp_path / "a.csv").unlink()
    with pytest.raises(DataError, match=r"a\.csv cannot be read any more"):
        read_scan(scan)


# --- little in them ---


@pytest.mark.parametrize("text", ["", "\ufeff"])
def test_an_empty_file_has_no_header(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert "a.csv is empty" in refused(tmp_path).message


def test_an_empty_file_without_a_header_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("")
    columns = [{"name": "id", "type": "int"}]
    assert rows(tmp_path, header=False, columns=columns) == []


@pytest.mark.parametrize("text", ["id,name\n", "id,name", "id,name\r\n", "\ufeffid,name\n"])
def test_a_header_alone_is_a_table_without_rows(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text, "utf-8", newline="")
    scan = scanned(tmp_path)
    assert scan.schema == pa.schema([("id", pa.string()), ("name", pa.string())])
    assert read_scan(scan).num_rows == scan.count() == 0


# --- how they are written down ---


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252"]
)
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = 'id,name\n1,"Ærø, ü"\n2,é\n'
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    expected = [{"id": 1, "name": "Ærø, ü"}, {"id": 2, "name": "é"}]
    assert rows(tmp_path, encoding=encoding) == expected
    if encoding == "utf-8-sig":
        assert rows(tmp_path) == expected


@pytest.mark.parametrize("place", ["header", "value"])
def test_another_encoding_than_said_is_told(tmp_path: Path, place: str) -> None:
    text = "id,né\n1,x\n" if place == "header" else "id,name\n1,é\n"
    (tmp_path / "a.csv").write_bytes(text.encode("latin-1"))
    error = refused(tmp_path)
    assert "UTF-8" in error.message
    assert error.hint is not None
    assert "`encoding`" in error.hint
    bad = refused(tmp_path, encoding="utf-16")
    assert "utf-16" in bad.message


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "csv.gz": gzip.compress,
    "csv.zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_compressed_files(tmp_path: Path, suffix: str) -> None:
    text = 'id,name\n1,"a,b"\n2,""\n'
    (tmp_path / f"a.{suffix}").write_bytes(COMPRESSIONS[suffix](text.encode()))
    assert rows(tmp_path, f"a.{suffix}") == [{"id": 1, "name": "a,b"}, {"id": 2, "name": ""}]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_a_compressed_file_that_was_cut(tmp_path: Path, suffix: str, part: float) -> None:
    text = "id,name\n" + "".join(f"{i},name {i * 7919}\n" for i in range(3000))
    data = COMPRESSIONS[suffix](text.encode())
    (tmp_path / f"a.{suffix}").write_bytes(data[: int(len(data) * part)])
    error = refused(tmp_path, f"a.{suffix}", columns={"id": "int", "name": "string"})
    assert isinstance(error, DataError)
    assert f"a.{suffix}" in error.message


def test_a_file_that_is_not_compressed_as_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_text("id\n1\n")
    error = refused(tmp_path, "a.csv.gz")
    assert "cannot be read as gzip" in error.message


# --- a file that ends inside of a quoted cell has lost rows, which is never passed over ---

CUT = [
    '1,"x',
    '1,"x\n',
    '1, "x\n',
    '1,   "x\n2,y\n',
    '1,2\n3,"x""\n',
    '1,2\n3,"\n',
    '1,2\n3,"""\n',
    '1,2\n"3,4\n5,6\n7,8\n',
    '1,2\n3,"x,""\n',
    '1,"a,"\n2,"b\n3,""\n',
]
WHOLE = [
    '1,"x"\n',
    '1,"x"',
    '1,"x,"\n',
    '1,","\n',
    '1,"x\n"\n',
    '1,""\n',
    '1,""""\n',
    '1,"x"""\n',
    '1,"a "" b"\n',
    '1,5" disk\n',
    '1,x "y\n',
    '1, "x, y" \n',
    '1,2\n"3","\n"\n',
]
WAYS: list[dict[str, Any]] = [{}, {"parallel": False, "encoding": "utf-16"}]


def written(root: Path, text: str, way: dict[str, Any], *, compressed: bool) -> str:
    """Write a file with a header as a way of reading wants it; return its path."""
    data = f"a,b\n{text}".encode(way.get("encoding", "utf-8"))
    name = "t.csv.gz" if compressed else "t.csv"
    (root / name).write_bytes(gzip.compress(data) if compressed else data)
    return name


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("text", CUT)
def test_a_quoted_cell_that_is_not_closed(
    tmp_path: Path, text: str, compressed: bool, way: dict[str, Any]
) -> None:
    path = written(tmp_path, text, way, compressed=compressed)
    error = refused(tmp_path, path, infer=False, **way)
    assert "quoted cell" in error.message
    assert f"{path}:" in error.message


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("text", WHOLE)
def test_quotes_at_the_end_of_a_whole_file(
    tmp_path: Path, text: str, compressed: bool, way: dict[str, Any]
) -> None:
    path = written(tmp_path, text, way, compressed=compressed)
    assert rows(tmp_path, path, infer=False, **way)[-1]["a"] in {"1", "3"}


@pytest.mark.parametrize("filler", ["7,plain\n", '7,""\n', '7,"a ""b"""\n'])
@pytest.mark.parametrize("at", [0, 1, 2, 3])
@pytest.mark.parametrize("compressed", [False, True])
def test_an_open_cell_is_found_far_from_the_end(
    tmp_path: Path, filler: str, at: int, compressed: bool
) -> None:
    """Further than a piece that is read at once; a run of quotes may lie across its end."""
    config = CsvExtractorConfig(path="*")
    for opening, line in (' "', 3), ("", None):
        rest = (filler * (CHUNK // len(filler) + 1))[: CHUNK - at]
        text = f"1,2\n3,{opening}" + (rest.replace('"', '""') if opening else f"x\n{rest}4,5\n")
        if not opening and text.count('"') % 2:
            continue
        path = tmp_path / written(tmp_path, text, {}, compressed=compressed)
        file = CsvFile.found(str(path), path, "gzip" if compressed else "none")
        fault = cut_fault(file, config, tmp_path)
        assert (fault is None) is (line is None)
        if fault is not None:
            assert f"{path.name}:{line}: the file ends inside a quoted cell" in fault.message


# --- leniences, on purpose: they lose nothing ---


def test_an_empty_cell_too_many_at_the_end_of_a_row_is_dropped(tmp_path: Path) -> None:
    """Spreadsheets write them; DuckDB drops them while it reads."""
    (tmp_path / "a.csv").write_text("a,b\n1,2,\n3,4\n")
    assert rows(tmp_path) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    (tmp_path / "a.csv").write_text("a,b\n1,2,3\n")
    assert "3 cells where 2 are expected" in refused(tmp_path).message


def test_spaces_around_a_quoted_cell_do_not_count(tmp_path: Path) -> None:
    """By RFC 4180 there must be none; without quotes they belong to the cell."""
    (tmp_path / "a.csv").write_text('a,b\n "x, y" , z\n')
    assert rows(tmp_path) == [{"a": "x, y", "b": " z"}]


# --- values ---


@pytest.mark.parametrize(
    "kind,text",
    [
        ("double", "1e-400"),
        ("double", "-2e-324"),
        ("double", "1e400"),
        ("float", "1e-50"),
        ("integer", "1.5"),
        ("decimal(5,2)", "2.255"),
        ("timestamp", "85-07-02 10:00:00"),
        ("date", "infinity"),
        ("date", "-infinity"),
        ("timestamp", "infinity"),
    ],
)
def test_a_text_that_a_type_cannot_hold_is_an_error(tmp_path: Path, kind: str, text: str) -> None:
    (tmp_path / "a.csv").write_text(f"a\n{text}\n")
    error = refused(tmp_path, columns={"a": kind})
    assert f"a.csv:2: column 'a': '{text}' does not fit {kind}" in error.message


@pytest.mark.parametrize("text", ["0", "-0", "0.000", ".0", "0e5", "-0.0E-400", "4.9e-324"])
def test_what_is_nothing_or_nearly_is_a_double(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(f"a\n{text}\n")
    ((value,),) = [row.values() for row in rows(tmp_path, columns={"a": "double"})]
    assert repr(value) == repr(float(text))


@pytest.mark.parametrize("texts", [["-0.0", "1.5"], ["1.5", "-0"], ["-0"]])
def test_a_negative_zero_keeps_its_sign(tmp_path: Path, texts: list[str]) -> None:
    """Decimals have none: the column is one of doubles."""
    (tmp_path / "a.csv").write_text("\n".join(["a", *texts, ""]))
    scan = scanned(tmp_path)
    assert scan.schema.types == [pa.float64()]
    assert [repr(v) for v in read_scan(scan)["a"].to_pylist()] == [repr(float(t)) for t in texts]


def test_a_negative_zero_behind_the_head_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n" + "1.5\n" * 10_000 + "-0.0\n")
    error = refused(tmp_path)
    assert "a.csv:10002: column 'a': '-0.0' does not fit decimal(18,1)" in error.message

"""Rows longer than what is read at once, and cells whose lines look like rows: none is lost."""

import gzip
from pathlib import Path

import pytest

from tests.support.csv_reading import refused, scanned
from tests.support.driver_run import read_scan

LONG_CELLS = {
    "quotes": '""',
    "letters": "x",
    "of two bytes": "ž",
    "line ends": "\n",
    "lines like rows": "1,y\n",
    "lines of other cells": ",,,\n",
}


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("kind", LONG_CELLS)
def test_a_row_longer_than_what_is_read_at_once_is_told(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    """DuckDB calls it many things, and some nothing: it ends there, or takes lines for rows."""
    rows_before = 10 if suffix else 31_000  # a small file is read whole
    plain = "".join(f"{n},{'y' * 1000}\n" for n in range(rows_before))
    cell = LONG_CELLS[kind]
    long = f'1,"{cell * (6_000_000 // len(cell.encode()))}"\n'
    text = f"id,v\n{plain}{long}2,z\n".encode()
    data = gzip.compress(text, compresslevel=1) if suffix else text
    (tmp_path / f"a.csv{suffix}").write_bytes(data)
    types = {"id": "integer", "v": "string"}
    path = f"a.csv{suffix}"
    error = refused(tmp_path, path, columns=types)
    assert f"{path}:{rows_before + 2}: a row is longer than 2000000 bytes" in error.message
    assert "max_row_bytes" in (error.hint or "")
    table = read_scan(scanned(tmp_path, path, columns=types, max_row_bytes=10_000_000))
    assert table.num_rows == rows_before + 2


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("behind", ["", "9,end\n"])
def test_lines_of_a_cell_are_no_rows_where_the_file_is_cut_for_several_threads(
    tmp_path: Path, behind: str, suffix: str
) -> None:
    """DuckDB cuts the file inside of the last quoted cell, and would take its lines for rows."""
    cut = 36_000_000  # a multiple of the size of its buffers
    line = f"0,{'y' * 996}\n"
    plain = line * ((cut - 500_000) // len(line))
    lines = "7,y\n8,z\n" * 100_000
    text = f'id,v\n{plain}5,"{lines}"\n{behind}'
    assert len(text) > cut + 200_000
    data = text.encode()
    path = f"a.csv{suffix}"
    (tmp_path / path).write_bytes(gzip.compress(data, compresslevel=1) if suffix else data)
    scan = scanned(tmp_path, path, columns={"id": "integer", "v": "string"})
    rows = plain.count("\n") + 1 + behind.count("\n")
    assert scan.count() == rows
    table = read_scan(scan)
    assert table.num_rows == rows
    assert len(table["v"][plain.count("\n")].as_py()) == len(lines)

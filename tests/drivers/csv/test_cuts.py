"""Where DuckDB cuts a file, and the sizes of buffers with which it cannot err at the file's end."""

from pathlib import Path

import pytest

from osiris.components.filesystem_csv_extractor import CsvExtractorConfig
from osiris.drivers.csv.cuts import buffer_size, cuts
from osiris.drivers.csv.files import CsvFile

_LIMIT = 2_000_000
_FIRST = 2 * _LIMIT
"""The size that is tried first."""


def _file(path: Path, text: str, compression: str = "none") -> CsvFile:
    path.write_text(text, "utf-8")
    stamp = (0, path.stat().st_size, 0)
    return CsvFile(path.name, path, compression, path, compression, stamp)


def _size(path: Path, text: str, **options: str) -> int | None:
    config = CsvExtractorConfig.model_validate({"path": path.name, **options})
    return buffer_size([_file(path, text)], config, _LIMIT)


def test_cuts_are_at_the_ends_of_buffers_and_of_what_a_thread_takes() -> None:
    assert list(cuts(6_000_000, 4_000_000, 2_000_000)) == [2_000_000, 4_000_000]
    assert list(cuts(6_000_001, 4_000_000, 2_000_000)) == [2_000_000, 4_000_000, 6_000_000]
    uneven = [2_000_000, 4_000_000, 4_065_536, 6_065_536]
    assert list(cuts(8_000_000, 4_065_536, 2_000_000)) == uneven
    assert list(cuts(2_000_000, 4_000_000, 2_000_000)) == []


LINE = f"1,{'y' * 97}\n"


def _text(before: int, cell: str) -> str:
    """Return lines, and a cell behind so many bytes of them, and lines again."""
    lines = LINE * (before // len(LINE))
    return lines + f'2,"{cell}"\n' + LINE * 10_000


@pytest.mark.parametrize(
    "before,expected",
    [(5_995_000, _FIRST + 65_536), (5_900_000, _FIRST), (1_995_000, None)],
    ids=["moved", "stays", "cannot be moved"],
)
def test_no_cut_is_inside_of_a_cell_of_several_lines(
    tmp_path: Path, before: int, expected: int | None
) -> None:
    text = _text(before, "7,y\n" * 3_000 + "end")
    assert _size(tmp_path / "a.csv", text) == expected
    assert _size(tmp_path / "a.csv", text, quote="") == _FIRST


@pytest.mark.parametrize("row", [LINE, '1,"a ""b"" c"\n', '"1","an "" end"\n'])
@pytest.mark.parametrize("place", range(0, 20, 3))
def test_a_cut_in_a_cell_of_one_line_is_none_to_mind(tmp_path: Path, row: str, place: int) -> None:
    text = "x" * place + "\n" + row * (2 * _FIRST // len(row))
    assert _size(tmp_path / "a.csv", text) == _FIRST


def test_a_file_that_is_one_cell_from_cut_to_cut_is_read_with_one_thread(tmp_path: Path) -> None:
    assert _size(tmp_path / "a.csv", '1,"' + "7,y\n" * 1_000_000 + '"\n') is None


def test_a_compressed_file_is_read_with_one_thread(tmp_path: Path) -> None:
    config = CsvExtractorConfig(path="a.csv")
    assert buffer_size([_file(tmp_path / "a.csv", LINE, "gzip")], config, _LIMIT) is None

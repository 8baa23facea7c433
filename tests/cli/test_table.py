"""Columns, numbers and times as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.cli import amounts
from osiris.cli.table import fit, table, width, wrapped


def test_columns_are_aligned() -> None:
    rows = [("a", "1", "x"), ("longer", "1,000", "")]
    assert table(("NAME", "ROWS", "END"), rows, numbers=("ROWS",)) == [
        "NAME     ROWS  END",
        "a           1  x",
        "longer  1,000",
    ]


def test_wide_characters_take_two_cells() -> None:
    assert width("日本") == 4
    assert width("e\u0301") == 1
    assert table(("A", "B"), [("日本", "x"), ("ab", "y")])[1:] == ["日本  x", "ab    y"]
    assert fit("日本語", 5) == "日本…"
    assert fit("日本語", 4) == "日…"


@given(
    st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60)), max_size=5), st.integers(20, 90)
)
def test_no_line_is_longer_than_the_limit(rows: list[tuple[str, str]], limit: int) -> None:
    cells = [tuple(text.replace("\n", " ") for text in row) for row in rows]
    for line in table(("one", "two"), cells, limit=limit):
        assert width(line) <= limit


def test_the_last_column_goes_on_below() -> None:
    rows = wrapped(("a", "b"), [("x", "word " * 20)], limit=40)
    lines = table(("a", "b"), rows)
    assert len(lines) == 4
    assert all(line.startswith("   word") for line in lines[2:])


@pytest.mark.parametrize(
    "seconds,text",
    [
        (None, "-"),
        (0.0, "0 ms"),
        (0.0124, "12 ms"),
        (0.9996, "1.00 s"),
        (59.996, "1m 00s"),
        (61, "1m 01s"),
        (3599.9, "1h 00m"),
        (3720, "1h 02m"),
        (200_000, "55h 33m"),
    ],
)
def test_durations(seconds: float | None, text: str) -> None:
    assert amounts.duration(seconds) == text


@pytest.mark.parametrize(
    "count,text",
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_960, "1.0 MB"),
        (84_300_000, "84.3 MB"),
        (2.5e12, "2.5 TB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert amounts.size(count) == text


def test_rows() -> None:
    assert (amounts.rows(None), amounts.rows(0), amounts.rows(1234567)) == ("-", "0", "1,234,567")

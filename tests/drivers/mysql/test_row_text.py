"""Rows as text: what the two statements get, byte by byte."""

import datetime as dt
import decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.drivers.mysql.row_text import INSERT, LOAD_DATA, RowFormat, row_texts


def text_of(arrays: list[pa.Array], style: RowFormat) -> bytes:
    return b"".join(bytes(text.data) for text in row_texts(arrays, style))


COLUMNS = [
    (pa.array([-1, None], pa.int8()), b"-1", b"'-1'"),
    (pa.array([2**64 - 1, None], pa.uint64()), b"18446744073709551615", b"'18446744073709551615'"),
    (pa.array([True, None]), b"1", b"'1'"),
    (pa.array([0.1, None], pa.float32()), b"0.10000000149011612", b"'0.10000000149011612'"),
    (pa.array([1e300, None]), b"1e+300", b"'1e+300'"),
    (pa.array([decimal.Decimal("1.50"), None]), b"1.50", b"'1.50'"),
    (
        pa.array([decimal.Decimal("1E-30"), None], pa.decimal128(38, 30)),
        b"0." + b"0" * 29 + b"1",
        b"'0." + b"0" * 29 + b"1'",
    ),
    (pa.array([dt.date(1, 1, 1), None]), b"0001-01-01", b"'0001-01-01'"),
    (
        pa.array([-1, None], pa.timestamp("us")),
        b"1969-12-31 23:59:59.999999",
        b"'1969-12-31 23:59:59.999999'",
    ),
    (
        pa.array([0, None], pa.timestamp("us", "Asia/Tokyo")),
        b"1970-01-01 00:00:00.000000",
        b"'1970-01-01 00:00:00.000000'",
    ),
    (pa.array([1, None], pa.time64("us")), b"00:00:00.000001", b"'00:00:00.000001'"),
    (
        pa.array([-3_600_000_001, None], pa.duration("us")),
        b"-01:00:00.000001",
        b"'-01:00:00.000001'",
    ),
    (pa.array(["a\tb\\c'\n\0\r", None]), b"a\\tb\\\\c'\\n\0\r", b"'a\tb\\\\c\\'\n\0\r'"),
    (pa.array(["", None]), b"", b"''"),
    (pa.array(["\\N", None]), b"\\\\N", b"'\\\\N'"),
    (pa.array([b"\0\xff", None]), b"00ff", b"X'00ff'"),
]


@pytest.mark.parametrize(
    "array,loaded,inserted", COLUMNS, ids=[str(case[0].type) for case in COLUMNS]
)
def test_a_value_and_null(array: pa.Array, loaded: bytes, inserted: bytes) -> None:
    assert text_of([array], LOAD_DATA) == loaded + b"\n\\N\n"
    assert text_of([array], INSERT) == b"(" + inserted + b"),(NULL),"
    two = [array, pa.nulls(2)]
    assert text_of(two, LOAD_DATA) == loaded + b"\t\\N\n\\N\t\\N\n"
    assert text_of(two, INSERT) == b"(" + inserted + b",NULL),(NULL,NULL),"


@given(
    texts=st.lists(st.none() | st.text(max_size=20), min_size=1, max_size=30),
    start=st.integers(0, 5),
)
def test_every_row_is_where_it_is_said_to_be(texts: list[str | None], start: int) -> None:
    """Whatever part of an array is written; and the marks stand only between values."""
    padded = pa.array([*["before"] * start, *texts], pa.string())
    array = padded[start:]
    (text,) = row_texts([array, array], LOAD_DATA)
    begins = np.concatenate([[0], text.ends[:-1]])
    rows = [bytes(text.data[b:e]) for b, e in zip(begins, text.ends, strict=True)]
    assert len(rows) == len(texts)
    for row, value in zip(rows, texts, strict=True):
        left, right = row.removesuffix(b"\n").split(b"\t")
        assert left == right
        assert b"\n" not in left
        assert _loaded(left) == value


def _loaded(field: bytes) -> str | None:
    """Read a field as the manual of LOAD DATA says."""
    if field == b"\\N":
        return None
    marks = {b"t": b"\t", b"n": b"\n", b"\\": b"\\"}
    made, escaped = b"", False
    for number in field:
        byte = bytes([number])
        if escaped:
            made += marks[byte]
        elif byte != b"\\":
            made += byte
        escaped = byte == b"\\" and not escaped
    return made.decode()


def test_large_rows_are_written_in_pieces() -> None:
    array = pa.array(["x" * 1_000_000] * 40)
    pieces = list(row_texts([array], LOAD_DATA))
    assert len(pieces) > 3
    assert sum(len(piece.ends) for piece in pieces) == 40
    assert max(len(piece.data) for piece in pieces) < 20_000_000

"""Decimals eight digits at a time are what Arrow's parser makes of the same texts."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osiris.drivers.mysql.cells import Cells, UnreadableValueError
from osiris.drivers.mysql.decimals import decode_decimals
from osiris.drivers.mysql.packet_starts import SLACK
from tests.support.mysql_loopback import text


def _cells(texts: list[bytes | None]) -> Cells:
    """Lay the cells behind one another, each the only one of its row."""
    framed = [b"" if value is None else text(value) for value in texts]
    ends = SLACK + np.cumsum([len(cell) for cell in framed], dtype=np.int64)
    data = np.frombuffer(b"7" * SLACK + b"".join(framed) + b"7" * SLACK, np.uint8)
    null = np.array([value is None for value in texts])
    begins = ends - np.array([len(cell) for cell in framed], dtype=np.int64)
    return Cells(data, begins, ends, null if null.any() else None)


def _check(texts: list[bytes | None], kind: pa.DataType) -> None:
    try:
        expected = pa.array(texts, pa.binary()).cast(pa.string()).cast(kind)
    except pa.ArrowInvalid:
        with pytest.raises(UnreadableValueError):
            decode_decimals(_cells(texts), kind)
        return
    values = decode_decimals(_cells(texts), kind).values
    values.validate(full=True)
    assert values.type == kind
    assert values.to_pylist() == expected.to_pylist()


@st.composite
def announced(draw: st.DrawFn) -> tuple[list[bytes | None], pa.DataType]:
    precision = draw(st.integers(1, 20))
    scale = draw(st.integers(0, precision))
    limit = 10**precision - 1
    numbers = draw(st.lists(st.none() | st.integers(-limit, limit), min_size=1, max_size=12))
    spelled = [None if n is None else f"{Decimal(f'{n}E-{scale}'):f}".encode() for n in numbers]
    return spelled, pa.decimal128(precision, scale)


@settings(max_examples=400, deadline=None)
@given(announced())
def test_texts_as_the_column_announces_them(case: tuple[list[bytes | None], pa.DataType]) -> None:
    _check(*case)


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.none() | st.text("0123456789.-", max_size=14), min_size=1, max_size=4),
    st.integers(0, 9),
    st.integers(9, 20),
)
def test_texts_of_any_shape(texts: list[str | None], scale: int, precision: int) -> None:
    _check([t if t is None else t.encode() for t in texts], pa.decimal128(precision, scale))


@pytest.mark.parametrize(
    "spelled",
    [
        *(b"1", b"1.5", b"1.555", b"-1", b".5", b"-.50", b"5.", b"0001.50", b"-0.00", b"00", b""),
        *(b"1a.00", b"a1.00", b"1.0a", b" 1.00", b"+1.00", b"1,00", b"1e2.00", b"--1.00", b"/.00"),
        *(b":.00", b"1:.00", b"1.:0", b"\xff.00", b"1234567890.00", b"12345678901.00", b"nan"),
    ],
)
def test_texts_that_are_not_as_announced(spelled: bytes) -> None:
    kind = pa.decimal128(12, 2)
    _check([spelled], kind)
    _check([b"1.00", spelled, None, b"-2.50"], kind)


def test_a_whole_block_of_nulls() -> None:
    _check([None, None, None], pa.decimal128(12, 2))

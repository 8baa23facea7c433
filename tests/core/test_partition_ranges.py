"""Cutting a column's values into ranges: every row in exactly one of them."""

import datetime as dt
import sqlite3
from contextlib import closing
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osiris.core.partition_ranges import as_integer, cut_evenly, range_conditions

_INTEGERS = st.integers(-(2**63), 2**64 - 1)


@given(ends=st.tuples(_INTEGERS, _INTEGERS), parts=st.integers(2, 32))
def test_cuts_are_even_and_inside(ends: tuple[int, int], parts: int) -> None:
    least, greatest = sorted(ends)
    cuts = cut_evenly(least, greatest, parts)
    assert cuts == sorted(set(cuts))
    assert len(cuts) < parts
    assert all(least < cut <= greatest for cut in cuts)
    edges = [least, *cuts, greatest + 1]
    sizes = [high - low for low, high in pairwise(edges)]
    assert max(sizes) - min(sizes) <= 1 or greatest - least + 1 < parts


def test_few_values_make_few_ranges() -> None:
    assert cut_evenly(7, 7, 4) == []
    assert cut_evenly(1, 2, 4) == [2]


@given(
    values=st.lists(st.none() | st.integers(-50, 50), max_size=40),
    known=st.tuples(st.integers(-40, 40), st.integers(-40, 40)),
    parts=st.integers(2, 8),
)
def test_every_row_is_in_exactly_one_range(
    values: list[int | None], known: tuple[int, int], parts: int
) -> None:
    """Also rows outside the values that were known when the ranges were cut."""
    conditions = range_conditions(
        '"c"', [str(cut) for cut in cut_evenly(min(known), max(known), parts)]
    )
    with closing(sqlite3.connect(":memory:")) as store:
        store.execute('CREATE TABLE t (row INTEGER PRIMARY KEY, "c" INT)')
        store.executemany('INSERT INTO t ("c") VALUES (?)', [(value,) for value in values])
        found = [
            row
            for condition in conditions
            for row in store.execute(f"SELECT row FROM t WHERE {condition}")
        ]
    assert sorted(found) == [(row,) for row in range(1, len(values) + 1)]


@pytest.mark.parametrize(
    "value,number",
    [
        (pa.scalar(2**64 - 1, pa.uint64()), 2**64 - 1),
        (pa.scalar(-5, pa.int8()), -5),
        (pa.scalar(dt.date(1970, 1, 3), pa.date32()), 2),
        (
            pa.scalar(dt.datetime.fromisoformat("1969-12-31T23:59:59"), pa.timestamp("us")),
            -1_000_000,
        ),
        (pa.scalar(None, pa.int32()), None),
    ],
    ids=["uint64", "int8", "date", "timestamp", "null"],
)
def test_values_as_numbers(value: pa.Scalar, number: int | None) -> None:
    assert as_integer(value) == number


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.float64(), pa.decimal128(5, 2), pa.bool_()], ids=str
)
def test_what_cannot_be_cut(kind: pa.DataType) -> None:
    with pytest.raises(TypeError, match="cannot be cut"):
        as_integer(pa.scalar(None, kind))

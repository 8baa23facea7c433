"""What goes into a column: every value the same, or the first that does not fit by its place."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from osiris.drivers.relational.column_type import ColumnType
from osiris.drivers.relational.conform import conform, conform_or_null
from osiris.drivers.relational.fit import Fit, fit_of
from osiris.drivers.relational.unfit import UnfitError
from osiris.drivers.relational.widening import widened

INT = ColumnType("integer", pa.int32())
DAY = timedelta(days=1)

# What goes in, the column, and the values that come out; exact means that none can fail.
CASES: dict[str, tuple[pa.Array, ColumnType, Fit, list[Any]]] = {
    "a smaller integer": (pa.array([1, None], pa.int8()), INT, Fit.EXACT, [1, None]),
    "a larger integer": (pa.array([2**31 - 1]), INT, Fit.CHECKED, [2**31 - 1]),
    "true as one": (pa.array([True, None]), INT, Fit.EXACT, [1, None]),
    "one as true": (
        pa.array([1, 0, None], pa.int8()),
        ColumnType("boolean", pa.bool_()),
        Fit.CHECKED,
        [True, False, None],
    ),
    "unsigned 64 bits": (
        pa.array([2**64 - 1], pa.uint64()),
        ColumnType("numeric(20,0)", pa.decimal128(20, 0)),
        Fit.EXACT,
        [Decimal(2**64 - 1)],
    ),
    "more digits": (
        pa.array([Decimal("1.50")], pa.decimal128(38, 2)),
        ColumnType("numeric(65,30)", pa.decimal256(65, 30)),
        Fit.CHECKED,
        [Decimal("1.5")],
    ),
    "a whole decimal": (pa.array([Decimal("7.00")]), INT, Fit.CHECKED, [7]),
    "a whole float": (pa.array([7.0]), INT, Fit.CHECKED, [7]),
    "a short text": (
        pa.array(["žluť"], pa.large_string()),
        ColumnType("varchar(4)", pa.string(), length=4),
        Fit.CHECKED,
        ["žluť"],
    ),
    "a dictionary": (
        pa.array(["a", None, "a"]).dictionary_encode(),
        ColumnType("text", pa.string()),
        Fit.EXACT,
        ["a", None, "a"],
    ),
    "a date as a timestamp": (
        pa.array([date(2024, 2, 29)]),
        ColumnType("timestamp", pa.timestamp("us")),
        Fit.EXACT,
        [datetime(2024, 2, 29)],  # noqa: DTZ001 - the column has no zone
    ),
    "a duration as a time": (
        pa.array([timedelta(hours=1)], pa.duration("us")),
        ColumnType("time", pa.time64("us")),
        Fit.CHECKED,
        [time(1)],
    ),
    "a list": (
        pa.array([[1, None], None, []], pa.list_(pa.int64())),
        ColumnType("integer[]", pa.list_(pa.int32())),
        Fit.CHECKED,
        [[1, None], None, []],
    ),
    "a struct as JSON": (
        pa.array([{"a": 1, "b": Decimal("1.50")}]),
        ColumnType("json", pa.json_()),
        Fit.EXACT,
        ['{"a":1,"b":"1.50"}'],
    ),
    "any digits": (
        pa.array([Decimal("1.50")], pa.decimal64(18, 2)),
        ColumnType("numeric", pa.decimal128(38, 0), unbounded=True),
        Fit.EXACT,
        [Decimal("1.50")],
    ),
    "a list of decimals with fewer digits": (
        pa.array([None, [Decimal("1.50")]], pa.large_list(pa.decimal128(9, 2))),
        ColumnType(
            "numeric(3,1)[]",
            pa.list_(pa.decimal128(3, 1)),
            element=ColumnType("numeric(3,1)", pa.decimal128(3, 1)),
        ),
        Fit.CHECKED,
        [None, [Decimal("1.5")]],
    ),
    "nothing but NULL": (pa.nulls(2), INT, Fit.EXACT, [None, None]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_value_comes_out_the_same(case: str) -> None:
    array, column, fit, expected = CASES[case]
    assert fit_of(array.type, column) is fit
    assert conform(array, column).to_pylist() == expected
    # The same as a slice, whose buffers begin elsewhere.
    longer = pa.concat_arrays([array, array])
    assert conform(longer[len(array) :], column).to_pylist() == expected


def _unfit(values: Iterable[Any], kind: pa.DataType, column: ColumnType) -> UnfitError:
    with pytest.raises(UnfitError) as caught:
        conform(pa.array(values, kind), column)
    return caught.value


@pytest.mark.parametrize(
    "kind,bad,good,column",
    [
        (pa.int64(), 2**31, 1, INT),
        (pa.int8(), 2, 1, ColumnType("boolean", pa.bool_())),
        (pa.float64(), 1.5, 1.0, INT),
        (pa.float64(), 0.1, 0.5, ColumnType("real", pa.float32())),
        (pa.int64(), 2**53 + 1, 1, ColumnType("double precision", pa.float64())),
        (pa.string(), "abcde", "abcd", ColumnType("varchar(4)", pa.string(), length=4)),
        (pa.string(), "a\0b", "ab", ColumnType("text", pa.string(), nul=False)),
        (pa.binary(), b"abcde", b"", ColumnType("binary(4)", pa.binary(), length=4)),
        (pa.string(), "no", "00000000-0000-0000-0000-000000000000", ColumnType("u", pa.uuid())),
        (pa.duration("us"), DAY, DAY / 2, ColumnType("time", pa.time64("us"))),
        (pa.timestamp("ns"), 1, 1000, ColumnType("timestamp", pa.timestamp("us"))),
        (pa.timestamp("us"), 1, 1000, ColumnType("timestamp(3)", pa.timestamp("us"), fraction=3)),
        (pa.date32(), 11, 10, ColumnType("date", pa.date32(), bounds=(0, 10))),
    ],
)
def test_the_first_value_that_does_not_fit_is_found(
    kind: pa.DataType, bad: Any, good: Any, column: ColumnType
) -> None:
    assert fit_of(kind, column) is (Fit.CHECKED if column.nul else Fit.EXACT)
    unfit = _unfit([good, None, good, bad, good, bad], kind, column)
    assert unfit.position == 3
    assert unfit.why
    array = pa.array([good, None, bad, bad, good], kind)
    made, nulled = conform_or_null(array, column)
    assert nulled == 2
    assert [value is None for value in made.to_pylist()] == [False, True, True, True, False]


def test_an_element_that_does_not_fit_is_told_by_its_row() -> None:
    column = ColumnType("smallint[]", pa.list_(pa.int16()))
    unfit = _unfit([[1], None, [], [1, 2, 2**15], [2**15]], pa.list_(pa.int64()), column)
    assert (unfit.position, unfit.value) == (3, "32768")


def test_a_decimal_is_never_rounded() -> None:
    column = ColumnType("numeric(5,2)", pa.decimal128(5, 2))
    values = [Decimal("1.500"), Decimal("1.505")]
    assert _unfit(values, pa.decimal128(10, 3), column).position == 1
    assert _unfit([Decimal("1000.000")], pa.decimal128(10, 3), column).position == 0


@pytest.mark.parametrize(
    "source,target",
    [
        (pa.string(), pa.int32()),
        (pa.float64(), pa.decimal128(9, 2)),
        (pa.timestamp("us"), pa.timestamp("us", "UTC")),
        (pa.timestamp("us", "UTC"), pa.timestamp("us")),
        (pa.int64(), pa.string()),
        (pa.binary(), pa.string()),
    ],
)
def test_what_means_something_else_does_not_go_together(
    source: pa.DataType, target: pa.DataType
) -> None:
    assert fit_of(source, ColumnType("other", target)) is Fit.NONE
    assert widened(source, ColumnType("other", target)) is None


@pytest.mark.parametrize(
    "source,target,joined",
    [
        (pa.int64(), pa.int32(), pa.int64()),
        (pa.uint32(), pa.int32(), pa.int64()),
        (pa.uint64(), pa.int64(), pa.decimal128(20, 0)),
        (pa.int8(), pa.uint64(), pa.decimal128(20, 0)),
        (pa.decimal128(10, 4), pa.decimal128(12, 2), pa.decimal128(14, 4)),
        (pa.decimal128(38, 0), pa.decimal128(38, 10), pa.decimal256(48, 10)),
        (pa.decimal128(9, 2), pa.int32(), pa.decimal128(12, 2)),
        (pa.float64(), pa.int32(), pa.float64()),
        (pa.float64(), pa.int64(), None),
        (pa.timestamp("us"), pa.date32(), pa.timestamp("us")),
        (pa.large_string(), pa.string(), pa.string()),
    ],
)
def test_a_widened_column_holds_both(
    source: pa.DataType, target: pa.DataType, joined: pa.DataType | None
) -> None:
    assert widened(source, ColumnType("narrow", target, length=1)) == joined
    if joined is not None:
        assert fit_of(source, ColumnType("wide", joined)) is Fit.EXACT
        assert fit_of(target, ColumnType("wide", joined)) is Fit.EXACT

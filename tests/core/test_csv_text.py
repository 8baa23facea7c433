"""Every Arrow type as CSV: least, greatest, NULL, nothing, and what lies askew in memory."""

import decimal
import json
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from osiris.core.csv_format import CsvOptions, CsvSink
from osiris.core.errors import DataError

LEAST, MOST = -(1 << 63), (1 << 63) - 1
D = decimal.Decimal


def written(column: pa.Array, **options: Any) -> list[str]:
    """Return the texts of one column, each ended by a second column of NULL."""
    file = BytesIO()
    batch = pa.record_batch({"x": column, "end": pa.nulls(len(column))})
    sink = CsvSink(file, batch.schema, CsvOptions(header=False, **options))
    sink.write(batch)
    sink.close()
    return file.getvalue().decode().split(",\n")[:-1]


def ints(kind: pa.DataType, *numbers: int | None) -> pa.Array:
    storage = pa.int32() if kind.bit_width == 32 else pa.int64()
    return pa.array(numbers, storage).view(kind)


def floats(kind: Any, *numbers: float) -> pa.Array:
    return pa.array(np.array(numbers, dtype=kind))


def nested(value: Any, kind: pa.DataType) -> pa.Array:
    return pa.array([value, None], kind)


UUID = pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(range(16)), None], pa.binary(16)))
JSON = pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}', None]))
ENDS = pa.array([2, 3], pa.int32())
INTERVAL = pa.month_day_nano_interval()

PLAIN: list[tuple[pa.Array, list[str]]] = [
    *[
        (
            pa.array([-(1 << bits - 1), None, (1 << bits - 1) - 1], getattr(pa, f"int{bits}")()),
            [str(-(1 << bits - 1)), "", str((1 << bits - 1) - 1)],
        )
        for bits in (8, 16, 32, 64)
    ],
    *[
        (
            pa.array([0, None, (1 << bits) - 1], getattr(pa, f"uint{bits}")()),
            ["0", "", str((1 << bits) - 1)],
        )
        for bits in (8, 16, 32, 64)
    ],
    (
        floats("f8", 0.1, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1e22, 1 / 3),
        ["0.1", "-0", "nan", "inf", "-inf", "5e-324", "1e+22", "0.3333333333333333"],
    ),
    (floats("f4", 0.1, 1e-45, 3.4028235e38), ["0.1", "1e-45", "3.4028235e+38"]),
    (floats("f2", 65504.0, 0.5), ["65504", "0.5"]),
    (pa.array([True, False, None]), ["true", "false", ""]),
    (pa.array([D("-" + "9" * 38), D(0), None], pa.decimal128(38, 0)), ["-" + "9" * 38, "0", ""]),
    (pa.array([D("-" + "9" * 76), None], pa.decimal256(76, 0)), ["-" + "9" * 76, ""]),
    (pa.array([D("1e-76")], pa.decimal256(76, 76)), ["0." + "0" * 75 + "1"]),
    (
        pa.array([D("1e-8"), D(0), None, D("-12.5")], pa.decimal128(18, 8)),
        ["0.00000001", "0.00000000", "", "-12.50000000"],
    ),
    (pa.array([D("0.000001"), D(0)], pa.decimal128(18, 6)), ["0.000001", "0.000000"]),
    (pa.array([D("12300"), None, D(0)], pa.decimal128(5, -2)), ["12300", "", "0"]),
    (pa.array([D("-9999999.99")], pa.decimal32(9, 2)), ["-9999999.99"]),
    (pa.array([D("1e-8")], pa.decimal64(18, 8)), ["0.00000001"]),
    (ints(pa.date32(), 0, -719162, 2932896, None), ["1970-01-01", "0001-01-01", "9999-12-31", ""]),
    (ints(pa.date64(), 86_400_000, None), ["1970-01-02", ""]),
    (ints(pa.time32("s"), 86399), ["23:59:59"]),
    (ints(pa.time32("ms"), 86399999), ["23:59:59.999"]),
    (ints(pa.time64("us"), 1), ["00:00:00.000001"]),
    (ints(pa.time64("ns"), 86399999999999), ["23:59:59.999999999"]),
    (ints(pa.timestamp("s"), -1), ["1969-12-31 23:59:59"]),
    (ints(pa.timestamp("ms"), -1), ["1969-12-31 23:59:59.999"]),
    (ints(pa.timestamp("us"), -1, None), ["1969-12-31 23:59:59.999999", ""]),
    (
        ints(pa.timestamp("ns"), LEAST, MOST),
        ["1677-09-21 00:12:43.145224192", "2262-04-11 23:47:16.854775807"],
    ),
    (ints(pa.timestamp("us", "UTC"), 0), ["1970-01-01 00:00:00.000000Z"]),
    (ints(pa.timestamp("s", "Europe/Prague"), 0), ["1970-01-01 01:00:00+0100"]),
    (pa.nulls(2), ["", ""]),
    (pa.array([1, None]).dictionary_encode(), ["1", ""]),
]
"""Columns whose cells are never quoted."""

TEXTS: list[tuple[pa.Array, list[str]]] = [
    (
        ints(pa.duration("s"), LEAST, -1, 0, None, 90_000, MOST),
        [
            "-2562047788015215:30:08",
            "-00:00:01",
            "00:00:00",
            "",
            "25:00:00",
            "2562047788015215:30:07",
        ],
    ),
    (ints(pa.duration("ms"), LEAST, -1), ["-2562047788015:12:55.808", "-00:00:00.001"]),
    (ints(pa.duration("us"), LEAST, MOST), ["-2562047788:00:54.775808", "2562047788:00:54.775807"]),
    (ints(pa.duration("ns"), LEAST, 1), ["-2562047:47:16.854775808", "00:00:00.000000001"]),
    (pa.array([b"\x00\xff", None, b"a"]), ["00ff", "", "61"]),
    (pa.array([b"\x00\xff", None], pa.large_binary()), ["00ff", ""]),
    (pa.array([b"\x00\xff", None], pa.binary_view()), ["00ff", ""]),
    (pa.array([b"\x00\xff", None], pa.binary(2)), ["00ff", ""]),
    (pa.array(["ž", None], pa.large_string()), ["ž", ""]),
    (pa.array(["ž", None], pa.string_view()), ["ž", ""]),
    (pa.array(["b", None, "a", "b"]).dictionary_encode(), ["b", "", "a", "b"]),
    (pa.DictionaryArray.from_arrays(pa.array([0, 1, None]), pa.array(["x", None])), ["x", "", ""]),
    (pa.array([b"\x01", None]).dictionary_encode(), ["01", ""]),
    (pa.RunEndEncodedArray.from_arrays(ENDS, pa.array(["a", None])), ["a", "a", ""]),
    (
        pa.array([(1, 2, 3_500_000_000), (-1, -2, -1), None, (0, 0, LEAST)], INTERVAL),
        ["P1M2DT3.5S", "P-1M-2DT-0.000000001S", "", "P0M0DT-9223372036.854775808S"],
    ),
    (UUID, ["00010203-0405-0607-0809-0a0b0c0d0e0f", ""]),
    (JSON, ['{""a"": 1}', ""]),
]
"""Columns whose cells are texts."""

NESTED: list[tuple[Any, pa.DataType]] = [
    ([1, None, MOST], pa.list_(pa.int64())),
    ([], pa.large_list(pa.string())),
    ([1, 2], pa.list_(pa.int8(), 2)),
    ([1], pa.list_view(pa.int8())),
    ([[["x"], None], []], pa.list_(pa.list_(pa.list_(pa.string())))),
    ({"a": 1, "b": 'é"\n'}, pa.struct([("a", pa.int8()), ("b", pa.string())])),
    ({}, pa.struct([])),
    ([{"a": None}, {"a": [0.1]}], pa.list_(pa.struct([("a", pa.list_(pa.float32()))]))),
]


@pytest.mark.parametrize("column, texts", PLAIN, ids=lambda v: str(getattr(v, "type", "")))
@pytest.mark.parametrize("quoting", ["strings", "minimal", "none"])
def test_a_value_that_is_no_text(column: pa.Array, texts: list[str], quoting: str) -> None:
    assert written(column, quoting=quoting) == texts
    assert written(column, quoting="all") == [f'"{t}"' if t else "" for t in texts]


@pytest.mark.parametrize("column, texts", TEXTS, ids=lambda v: str(getattr(v, "type", "")))
def test_a_text(column: pa.Array, texts: list[str]) -> None:
    assert written(column) == [f'"{t}"' if t else "" for t in texts]
    if '"' not in texts[0]:
        assert written(column, quoting="minimal") == texts


@pytest.mark.parametrize("value, kind", NESTED, ids=str)
def test_a_nested_value_is_json(value: Any, kind: pa.DataType) -> None:
    text, null = written(pa.array([value, None], kind))
    assert null == ""
    assert json.loads(text[1:-1].replace('""', '"')) == value


def test_what_json_has_no_type_for_is_a_string_in_it() -> None:
    kinds = {
        "decimal": pa.decimal128(18, 8),
        "time": pa.timestamp("ns"),
        "bytes": pa.binary(),
        "nan": pa.float64(),
        "span": pa.duration("s"),
        "map": pa.map_(pa.int8(), pa.date32()),
    }
    value = {
        "decimal": D("1e-8"),
        "time": 1,
        "bytes": b"\xff",
        "nan": float("nan"),
        "span": -1,
        "map": [(1, 0), (1, None)],
    }
    (text,) = written(pa.array([value], pa.struct(list(kinds.items()))))
    assert json.loads(text[1:-1].replace('""', '"')) == {
        "decimal": "0.00000001",
        "time": "1970-01-01 00:00:00.000000001",
        "bytes": "ff",
        "nan": "nan",
        "span": "-00:00:01",
        "map": [[1, "1970-01-01"], [1, None]],
    }


@pytest.mark.parametrize("column", [c for c, _ in PLAIN + TEXTS], ids=lambda c: str(c.type))
@pytest.mark.parametrize("quoting", ["strings", "minimal"])
def test_a_slice_is_written_as_what_it_shows(column: pa.Array, quoting: str) -> None:
    whole = written(column, quoting=quoting)
    for start in range(len(column)):
        assert written(column.slice(start), quoting=quoting) == whole[start:]
        assert written(column.slice(start, 1), quoting=quoting) == whole[start : start + 1]
    assert written(column.slice(len(column)), quoting=quoting) == []


@pytest.mark.parametrize("value, kind", NESTED, ids=str)
def test_a_slice_of_nested_values(value: Any, kind: pa.DataType) -> None:
    column = pa.array([value, None, value], kind)
    assert written(column.slice(1)) == written(column)[1:]


@pytest.mark.parametrize(
    "kind",
    [pa.date32(), pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("us", "Europe/Prague")],
    ids=str,
)
@pytest.mark.parametrize("end", [0, 1])
def test_a_date_beyond_all_calendars_names_its_cell(kind: pa.DataType, end: int) -> None:
    """DuckDB's infinity is the greatest integer."""
    number = (1 << kind.bit_width - 1) - 1
    column = ints(kind, 0, None, (number, -number)[end])
    with pytest.raises(DataError, match=r"column 'x', row 3: the date is infinite"):
        written(column)
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 3], pa.int32()), column)
    with pytest.raises(DataError, match=r"column 'x', row 2: the date is infinite"):
        written(lists)


@pytest.mark.parametrize("day, text", [(-12687427, "-32767-01-02"), (11248736, "32767-12-30")])
def test_the_last_dates_that_have_a_text(day: int, text: str) -> None:
    assert written(ints(pa.date32(), day)) == [text]
    assert written(ints(pa.timestamp("s"), day * 86400)) == [text + " 00:00:00"]


def test_a_type_without_a_text_names_its_column() -> None:
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    with pytest.raises(DataError, match="column 'x' is a sparse_union"):
        written(union)

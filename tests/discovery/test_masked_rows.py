"""What of sample rows is shown."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa

from osiris.core.masking import Masker
from osiris.discovery.masked_rows import LONGEST, NO_TEXT, masked, texts

TOKEN = "ghp_" + "a" * 36


def test_hidden_columns_of_any_type_keep_their_nulls() -> None:
    table = pa.table({"pin": pa.array([1, None]), "n": pa.array([1, 2])})
    shown = masked(table, ["pin"], Masker())
    assert shown.to_pylist() == [{"pin": "***", "n": 1}, {"pin": None, "n": 2}]


def test_secrets_by_their_form_and_by_value_are_hidden_anywhere() -> None:
    table = pa.table({"note": [f"use {TOKEN}", "postgres://u:pw12@h/", "the-password!", None]})
    shown = masked(table, [], Masker(["the-password"]))
    assert shown.column("note").to_pylist() == ["***", "***", "***!", None]


def test_rows_are_the_texts_of_a_csv_file() -> None:
    table = pa.table(
        {
            "d": pa.array([Decimal("1.50"), None]),
            "t": pa.array(
                [dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC), None], pa.timestamp("us")
            ),
            "b": pa.array([b"\x00\xff", None]),
            "l": pa.array([[1, None], None]),
            "y": pa.array([True, False]),
            "i": pa.array([2**31 - 1, -(2**31)], pa.int32()).cast(pa.date32()),
        }
    )
    first, second = texts(table)
    assert first[:5] == ["1.50", "2024-01-02 03:04:05.000000", "00ff", "[1,null]", "true"]
    assert second[:5] == [None, None, None, None, "false"]
    assert first[5] == second[5] == NO_TEXT


def test_long_values_are_cut() -> None:
    ((text,),) = texts(pa.table({"x": ["é" * (LONGEST + 1)]}))
    assert text == "é" * LONGEST + "…"


def test_a_table_without_rows() -> None:
    assert texts(pa.table({"x": pa.array([], pa.int64())})) == []

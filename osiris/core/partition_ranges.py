"""Cutting the values of one column into ranges, as SQL conditions that leave out no row."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pyarrow as pa


def as_integer(value: pa.Scalar) -> int | None:
    """Return an integer, date (days since 1970) or timestamp (its unit since 1970) as a number.

    None for NULL. Raises `TypeError` for a type whose values cannot be cut evenly.
    """
    kind = value.type
    if not (pa.types.is_integer(kind) or pa.types.is_date32(kind) or pa.types.is_timestamp(kind)):
        msg = f"values of type {kind} cannot be cut into ranges"
        raise TypeError(msg)
    whole: Any = value if pa.types.is_integer(kind) else value.cast(_whole_numbers(kind))
    number: int | None = whole.as_py()
    return number


def _whole_numbers(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if pa.types.is_date32(kind) else pa.int64()


def cut_evenly(least: int, greatest: int, parts: int) -> list[int]:
    """Return where the second range and those after it begin: ascending, `parts - 1` at most."""
    values = greatest - least + 1
    return sorted({least + values * part // parts for part in range(1, parts)} - {least})


def range_conditions(column: str, cuts: Sequence[str]) -> list[str]:
    """Return one condition for each range, of which every row, NULL or not, fulfils exactly one.

    `column` and `cuts` are SQL. NULLs are in the first range; the outer ranges have no end, so
    that a row beyond the least and greatest value known is not lost.
    """
    if not cuts:
        return ["TRUE"]
    first = f"({column} < {cuts[0]} OR {column} IS NULL)"
    inner = [f"({column} >= {low} AND {column} < {high})" for low, high in pairwise(cuts)]
    return [first, *inner, f"{column} >= {cuts[-1]}"]

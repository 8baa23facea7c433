"""Nested Arrow values as JSON, every leaf as exact as in a column of its own.

Numbers and booleans are JSON's; text, and whatever JSON has no type for (decimals, dates, binary,
`nan`), is a string as `csv_text` writes it. A map is a list of `[key, value]` pairs: its keys need
not be texts, nor different.
"""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def json_column(column: pa.Array, as_text: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Return a column of JSON texts; `as_text` writes the leaves that are not JSON's own."""
    values = _plain(column, as_text)
    return pa.array([None if v is None else _dump(v) for v in values], pa.large_string())


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _plain(column: pa.Array, as_text: Callable[[pa.Array], pa.Array]) -> list[Any]:
    """Return the column's values as JSON knows them."""
    kind = column.type
    if pa.types.is_map(kind):
        pairs = pa.struct([("key", kind.key_type), ("value", kind.item_type)])
        maps = _plain(column.cast(pa.list_(pairs)), as_text)
        return [None if m is None else [list(pair.values()) for pair in m] for m in maps]
    if pa.types.is_struct(kind):
        names = [field.name for field in kind]
        fields = [_plain(field, as_text) for field in column.flatten()]
        rows = zip(*fields, strict=True) if fields else iter([()] * len(column))
        pairs_or_null = zip(column.is_valid().to_pylist(), rows, strict=True)
        return [dict(zip(names, row, strict=True)) if ok else None for ok, row in pairs_or_null]
    if pa.types.is_nested(kind) and not pa.types.is_union(kind):
        items = iter(_plain(pc.list_flatten(column), as_text))
        return [_take(items, n) for n in pc.list_value_length(column).to_pylist()]
    return _leaf(column, as_text)


def _take(items: Iterator[Any], count: int | None) -> list[Any] | None:
    return None if count is None else [next(items) for _ in range(count)]


def _leaf(column: pa.Array, as_text: Callable[[pa.Array], pa.Array]) -> list[Any]:
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        values: list[Any] = column.to_pylist()
        return values
    texts: list[str | None] = as_text(column).cast(pa.large_string()).to_pylist()
    return list(map(_number, texts)) if pa.types.is_floating(kind) else texts


def _number(text: str | None) -> float | str | None:
    """Return the float a text stands for, or the text when JSON has no such number."""
    if text is None:
        return None
    value = float(text)
    return value if math.isfinite(value) else text

"""Keys of the rows of an upsert: they must be there, and each only once."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from osiris.core.csv_text import as_text
from osiris.core.errors import DataError
from osiris.drivers.relational.plan import Plan


def refuse_null_keys(plan: Plan, arrays: Sequence[pa.Array], before: int) -> None:
    """Raise `DataError` for a row without its key; `before` rows came earlier."""
    for planned, array in zip(plan.columns, arrays, strict=True):
        if planned.column.name in plan.key and array.null_count:
            row = before + array.is_null().index(pa.scalar(value=True)).as_py() + 1
            raise DataError(
                f"row {row} has NULL in {planned.column.name!r}, which is part of the key of "
                f"{plan.target.name}",
                hint="leave such rows out in the query",
            )


def refuse_repeated_keys(plan: Plan, keys: pa.Table) -> None:
    """Raise `DataError` when several rows have one key; `keys` are the key columns of all rows."""
    counted = keys.group_by(list(plan.key)).aggregate([([], "count_all")])
    again = counted.filter(pc.greater(counted["count_all"], 1))
    if again.num_rows:
        first = again.slice(0, 1).combine_chunks()
        values = [as_text(first[name].chunk(0))[0].as_py() for name in plan.key]
        raise repeated_key(plan, first["count_all"][0].as_py(), values)


def repeated_key(plan: Plan, count: int, values: Sequence[Any]) -> DataError:
    """Return the error for a key that `count` rows have."""
    key = ", ".join(f"{name} = {value}" for name, value in zip(plan.key, values, strict=True))
    return DataError(
        f"{count} rows of the input have the same key ({key}); only one can be in "
        f"{plan.target.name}",
        hint="leave one row for each key in the query (SQL: GROUP BY, or ROW_NUMBER())",
    )

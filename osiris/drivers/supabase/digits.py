"""Whether PostgreSQL kept all digits of decimals that were sent over REST.

The API does not tell that a column is `numeric(5,2)`, and PostgreSQL rounds what is finer without
a word. So the API is asked for the decimals as they stand in the table, in the same request.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from osiris.core.errors import DataError
from osiris.drivers.postgres.column_types import PostgresType
from osiris.drivers.relational.plain_type import plain_type
from osiris.drivers.relational.plan import Plan


def uncertain_columns(plan: Plan) -> list[str]:
    """Return the columns that get decimals with digits behind the point."""
    return [
        planned.column.name
        for planned in plan.columns
        if _is_numeric(planned.column.type) and _has_fraction(plain_type(planned.source))
    ]


def _is_numeric(column: object) -> bool:
    return isinstance(column, PostgresType) and column.wire == "numeric" and not column.parsed


def _has_fraction(source: Any) -> bool:
    return bool(pa.types.is_decimal(source) and source.scale > 0)


def check_digits(
    sent: Sequence[str], kept: Sequence[Mapping[str, str | None]], names: Sequence[str], table: str
) -> None:
    """Raise `DataError` for the first decimal that is not in the table as it was sent.

    Args:
        sent: the rows as JSON objects.
        kept: what the API says of the same rows, decimals as texts.
        names: the columns to compare.
        table: the table, for the message.

    """
    for row, there in zip(sent, kept, strict=False):
        given = json.loads(row)
        for name in names:
            one, other = given[name], there.get(name)
            if one is not None and (other is None or Decimal(one) != Decimal(other)):
                raise DataError(
                    f"column {name!r} of {table} keeps {other} of {one}: it has fewer digits "
                    "behind the point, which the API does not tell; the rows are in the table",
                    hint="round in the query, widen the column, or use a PostgreSQL connection",
                )

"""Bringing a batch of the input into the shape of the table, a planned column at a time."""

from collections import Counter

import pyarrow as pa

from osiris.core.errors import DataError
from osiris.drivers.relational.conform import conform, conform_or_null
from osiris.drivers.relational.fit import Fit, fit_of
from osiris.drivers.relational.plan import Plan, PlannedColumn
from osiris.drivers.relational.unfit import UnfitError


class RowShape:
    """Turns batches of the input into arrays of the table's columns, in the plan's order.

    Attributes:
        rows: rows so far.
        nulled: how many values became NULL because they do not fit, by column.

    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.rows = 0
        self.nulled: Counter[str] = Counter()

    def arrays(self, batch: pa.RecordBatch) -> list[pa.Array]:
        """Return the columns that are written; see `conform` for their types.

        Raises `DataError` for the first value that does not fit its column, named with both
        types and its row, from 1.
        """
        arrays = [self._array(batch.column(c.position), c) for c in self._plan.columns]
        self.rows += batch.num_rows
        return arrays

    def _array(self, array: pa.Array, planned: PlannedColumn) -> pa.Array:
        column = planned.column
        try:
            if not planned.nulled:
                return conform(array, column.type)
            if fit_of(planned.source, column.type) is Fit.NONE:
                self.nulled[column.name] += len(array) - array.null_count
                array = pa.nulls(len(array))
            made, count = conform_or_null(array, column.type)
        except UnfitError as unfit:
            raise self._refusal(planned, unfit) from unfit
        self.nulled[column.name] += count
        return made

    def _refusal(self, planned: PlannedColumn, unfit: UnfitError) -> DataError:
        column = planned.column
        return DataError(
            f"column {column.name!r} of {self._plan.target.name} is {column.type.name} and cannot "
            f"hold {unfit.value} of row {self.rows + unfit.position + 1} (Arrow {planned.source}): "
            f"{unfit.why}",
            hint="correct the data or the query, widen the column, or set on_type_change",
        )

"""Writing a stream into a table, whatever the database: plan, load, put into effect, commit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from osiris.components.table_writer import TableWriterConfig
from osiris.core.driver import DriverContext
from osiris.core.errors import ConfigError, RowsLostError
from osiris.core.events import DataWarning, SchemaEvolved
from osiris.core.metrics import MetricName
from osiris.core.stream import TableStream
from osiris.drivers.relational.column_type import Column, Dialect, Target
from osiris.drivers.relational.plan import Plan, check_input, new_columns, plan_write
from osiris.drivers.relational.row_shape import RowShape

_PIECE_BYTES: Final = 32 << 20


class TableTransaction(Protocol):
    """One write into one table, from the look at the table to the commit.

    The methods are called in the order in which they stand here, each once but `load`. Whoever
    made it closes it; what was not committed by then must leave no trace. Every method may raise
    a `StepError`; one that is transient says that nothing was written.

    Attributes:
        name: the table as messages have it.
        dialect: what the database knows about types and names.
        evolves_at_once: whether `begin` changes the table for good, whatever comes after (a
            database that commits with every DDL statement).

    """

    @property
    def name(self) -> str:
        """The table, for messages."""

    @property
    def dialect(self) -> Dialect:
        """What the database knows about types and names."""

    @property
    def evolves_at_once(self) -> bool:
        """Whether evolutions cannot be taken back."""

    def describe(self) -> Target | None:
        """Return the table with its columns, None when there is none."""

    def create(self, columns: Sequence[Column], key: Sequence[str]) -> Target:
        """Make the table; called when there is none and the configuration allows it."""

    def begin(self, plan: Plan) -> None:
        """Get ready to take rows; a table that is staged evolves only when the rows are there."""

    def load(self, arrays: list[pa.Array], rows: int) -> None:
        """Take rows: one array for each of the plan's columns, as `conform` makes them."""

    def finish(self) -> int:
        """Put all loaded rows in effect and return how many rows they were, by the server's count.

        For an upsert those of the input, whether they were new or took another's place.
        """

    def commit(self) -> None:
        """Make it final. Raises `TransientStepError` only when nothing was written for certain."""


@dataclass(frozen=True)
class TableWriteStep:
    """The step that writes: its id, what it was told, and what it may touch."""

    step_id: str
    config: TableWriterConfig
    ctx: DriverContext


def write_table(stream: TableStream, step: TableWriteStep, transaction: TableTransaction) -> int:
    """Write the whole stream and commit; return the rows written.

    Raises `ConfigError`, `DataError` and whatever the transaction raises; the table is as it was
    then (but for evolutions, where the database cannot take them back).
    """
    config = step.config
    check_input(stream.schema, transaction.dialect, transaction.name)
    transaction.dialect.check_names([*stream.schema.names, config.table])
    target = transaction.describe()
    created = target is None
    if target is None:
        target = _create(stream.schema, config, transaction)
    plan = plan_write(stream.schema, target, config, transaction.dialect)
    transaction.begin(plan)
    if transaction.evolves_at_once:
        _tell_evolutions(step, plan, created=created)
    shape = RowShape(plan)
    for batch in stream:
        for piece in _pieces(batch):
            step.ctx.cancelled.raise_if_set()
            transaction.load(shape.arrays(piece), piece.num_rows)
    written = transaction.finish()
    if written != stream.rows or not stream.complete:
        raise RowsLostError(
            f"{plan.target.name} would have got {written} rows of {stream.rows}; nothing was kept",
            hint="look for a trigger or a rule on the table that leaves rows out",
        )
    step.ctx.cancelled.raise_if_set()
    transaction.commit()
    if not transaction.evolves_at_once:
        _tell_evolutions(step, plan, created=created)
    _tell_losses(step, plan, shape)
    return written


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch of large values: memory stays bounded, and offsets of 32 bits suffice."""
    rows = max(1, batch.num_rows * _PIECE_BYTES // max(1, batch.nbytes))
    for start in range(0, batch.num_rows, rows):
        yield batch.slice(start, rows)


def _create(schema: pa.Schema, config: TableWriterConfig, transaction: TableTransaction) -> Target:
    if not config.create_if_missing:
        raise ConfigError(
            f"there is no table {transaction.name}",
            hint="check `table` and `schema`, or set create_if_missing: true",
        )
    columns = new_columns(schema, config, transaction.dialect)
    return transaction.create(columns, config.primary_key)


def _tell_evolutions(step: TableWriteStep, plan: Plan, *, created: bool) -> None:
    table = plan.target.name
    if created:
        step.ctx.log_event(SchemaEvolved(step_id=step.step_id, table=table, change="table_created"))
    for evolution in plan.evolutions:
        step.ctx.log_event(
            SchemaEvolved(
                step_id=step.step_id,
                table=table,
                change=evolution.change,
                column=evolution.column.name,
                from_type=evolution.from_type,
                to_type=evolution.to_type,
            )
        )


def _tell_losses(step: TableWriteStep, plan: Plan, shape: RowShape) -> None:
    """Tell what the contract allowed to be left out."""
    table = plan.target.name
    for name in plan.unwritten:
        message = f"column {name!r} of the input was not written: {table} has no such column"
        _warn(step, "table.column_not_written", message, shape.rows)
    for name, count in sorted(shape.nulled.items()):
        if count:
            message = f"column {name!r} of {table}: {count} values that do not fit became NULL"
            _warn(step, "table.values_nulled", message, count)
    if shape.nulled.total():
        step.ctx.log_metric(MetricName.VALUES_NULLED, shape.nulled.total())


def _warn(step: TableWriteStep, code: str, message: str, count: int) -> None:
    step.ctx.log_event(DataWarning(step_id=step.step_id, code=code, message=message, count=count))

"""What writing an Arrow table into a database table means: which column goes where, as what.

Pure: it looks at schemas, never at a row or a server.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import pyarrow as pa

from osiris.components.table_writer import TableWriterConfig
from osiris.core.errors import ConfigError, DataError
from osiris.drivers.relational.column_type import Column, ColumnType, Dialect, Target
from osiris.drivers.relational.fit import Fit, fit_of
from osiris.drivers.relational.plain_type import plain_type
from osiris.drivers.relational.widening import widened

_TEXTS: Final = (pa.string(), pa.list_(pa.string()))
Change = Literal["column_added", "type_widened", "not_null_dropped"]
_CONTRACT = "set {option}: evolve or ignore, or change the query"


@dataclass(frozen=True)
class Evolution:
    """A change to the table that has to be made before the rows fit."""

    change: Change
    column: Column
    from_type: str | None = None

    @property
    def to_type(self) -> str:
        """The column's type afterwards, as the database writes it."""
        return self.column.type.name


@dataclass(frozen=True)
class PlannedColumn:
    """A column that is written.

    Attributes:
        position: its place in the input.
        source: its Arrow type there.
        column: the table's column, as it is after the evolutions.
        nulled: whether NULL is written for a value that does not fit.

    """

    position: int
    source: pa.DataType
    column: Column
    nulled: bool = False


@dataclass(frozen=True)
class Plan:
    """How a table is written.

    Attributes:
        target: the table as it is before the evolutions.
        columns: what is written, in the order of the input.
        evolutions: what has to be done to the table first.
        unwritten: columns of the input that are left out, as the contract allows.
        key: names in the table of the columns of `primary_key`.

    """

    target: Target
    columns: tuple[PlannedColumn, ...]
    evolutions: tuple[Evolution, ...]
    unwritten: tuple[str, ...]
    key: tuple[str, ...]


def new_columns(
    schema: pa.Schema, config: TableWriterConfig, dialect: Dialect
) -> tuple[Column, ...]:
    """Return the columns of a table that is made for the input; the key's cannot be NULL."""
    key = {dialect.fold(name) for name in config.primary_key}
    return tuple(
        Column(field.name, dialect.column_type(field.type), dialect.fold(field.name) not in key)
        for field in schema
    )


def plan_write(
    schema: pa.Schema, target: Target, config: TableWriterConfig, dialect: Dialect
) -> Plan:
    """Return how the input goes into the table.

    Raises `DataError` where the contract says stop, `ConfigError` for a primary key that is not
    in the input.
    """
    columns: list[PlannedColumn] = []
    evolutions: list[Evolution] = []
    unwritten: list[str] = []
    there = {dialect.fold(column.name): column for column in target.columns}
    for position, field in enumerate(schema):
        found = there.get(dialect.fold(field.name))
        if found is None:
            added = _added(field, target, config, dialect)
            if added is None:
                unwritten.append(field.name)
                continue
            evolutions.append(Evolution("column_added", added))
            columns.append(PlannedColumn(position, field.type, added))
            continue
        planned = _existing(position, field, found, target, config, dialect)
        if planned.column.type.name != found.type.name:
            evolutions.append(Evolution("type_widened", planned.column, found.type.name))
        columns.append(planned)
    evolutions += _missing(schema, target, config, dialect)
    if not columns:
        raise DataError(f"no column of the input is a column of {target.name}")
    key = _key(columns, config, dialect)
    return Plan(target, tuple(columns), tuple(evolutions), tuple(unwritten), key)


def check_input(schema: pa.Schema, dialect: Dialect, table: str) -> None:
    """Raise `DataError` for an input that no table can take."""
    if not len(schema):
        raise DataError(f"the input has no columns, so there is nothing to write into {table}")
    seen: dict[str, str] = {}
    for name in schema.names:
        other = seen.setdefault(dialect.fold(name), name)
        if other is not name:
            raise DataError(
                f"the input's columns {other!r} and {name!r} are the same column to the database",
                hint="give one of them another name (SQL: `AS`)",
            )


def _added(
    field: pa.Field, target: Target, config: TableWriterConfig, dialect: Dialect
) -> Column | None:
    if config.on_new_column == "ignore":
        return None
    if config.on_new_column == "error":
        raise DataError(
            f"{target.name} has no column {field.name!r}, which the input has (Arrow {field.type})",
            hint=_CONTRACT.format(option="on_new_column"),
        )
    return Column(field.name, dialect.column_type(field.type))


def _existing(
    position: int,
    field: pa.Field,
    column: Column,
    target: Target,
    config: TableWriterConfig,
    dialect: Dialect,
) -> PlannedColumn:
    if column.computed:
        raise DataError(
            f"column {column.name!r} of {target.name} is computed by the database and cannot be "
            "written",
            hint="leave the column out of the input",
        )
    column = _read_by_server(field.type, column)
    fit = fit_of(field.type, column.type)
    if fit is Fit.EXACT:
        return PlannedColumn(position, field.type, column)
    if config.on_type_change == "evolve":
        wider = _widened_type(field.type, column.type, dialect)
        if wider is not None:
            return PlannedColumn(position, field.type, replace(column, type=wider))
    nulled = config.on_type_change == "ignore"
    if fit is Fit.NONE and not nulled:
        raise DataError(
            f"column {column.name!r} of {target.name} is {column.type.name}, which cannot hold "
            f"the input's {field.type}",
            hint="convert the column in the query (SQL: CAST), or change the table",
        )
    return PlannedColumn(position, field.type, column, nulled)


def _read_by_server(source: pa.DataType, column: Column) -> Column:
    """Return the column as one of texts, or lists of them, for the server to read, if it may be.

    That are columns of types that only the server can read, and decimals of any number of digits,
    which Arrow has as texts only.
    """
    kind, texts = column.type, plain_type(source)
    unbounded = kind.unbounded or (kind.element is not None and kind.element.unbounded)
    if not (kind.parsed or unbounded) or texts not in _TEXTS:
        return column
    element = ColumnType("text", pa.string(), nul=False) if pa.types.is_list(texts) else None
    changes = {"arrow": texts, "parsed": True, "unbounded": False, "nul": False}
    return replace(column, type=replace(kind, element=element, **changes))


def _widened_type(source: pa.DataType, column: ColumnType, dialect: Dialect) -> ColumnType | None:
    arrow = widened(source, column)
    wider = None if arrow is None else dialect.column_type(arrow)
    return None if wider is None or wider == column else wider


def _missing(
    schema: pa.Schema, target: Target, config: TableWriterConfig, dialect: Dialect
) -> list[Evolution]:
    given = {dialect.fold(name) for name in schema.names}
    evolutions = []
    for column in target.columns:
        if dialect.fold(column.name) in given or column.filled or column.computed:
            continue
        if config.on_missing_column == "error":
            raise DataError(
                f"the input has no column {column.name!r}, which {target.name} has without a "
                "default",
                hint="set on_missing_column: ignore to write NULL, or add the column to the query",
            )
        if column.nullable:
            continue
        if config.on_missing_column == "ignore":
            raise DataError(
                f"the input has no column {column.name!r}, which in {target.name} must not be NULL",
                hint="set on_missing_column: evolve to allow NULL, or add the column to the query",
            )
        evolutions.append(Evolution("not_null_dropped", replace(column, nullable=True)))
    return evolutions


def _key(
    columns: Sequence[PlannedColumn], config: TableWriterConfig, dialect: Dialect
) -> tuple[str, ...]:
    written = {dialect.fold(planned.column.name): planned.column.name for planned in columns}
    missing = [name for name in config.primary_key if dialect.fold(name) not in written]
    if missing:
        raise ConfigError(
            f"primary_key names {', '.join(missing)}, which the input does not bring",
            hint=f"the columns that are written are {', '.join(written.values())}",
        )
    return tuple(written[dialect.fold(name)] for name in config.primary_key)

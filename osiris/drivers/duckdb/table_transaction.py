"""One transaction that writes one table of a DuckDB file: all of it, or nothing.

- append: `INSERT`.
- replace: `DELETE` of all rows and `INSERT`. Views, indexes and constraints stay.
- upsert: rows wait in a temporary table, then `INSERT … ON CONFLICT DO UPDATE`; a key that is
  twice in the input is an error.

Evolutions of the table are part of the transaction.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import duckdb
import pyarrow as pa

from osiris.components.table_writer import TableWriterConfig
from osiris.core.cancel import CancelToken
from osiris.core.errors import ConfigError, DataError
from osiris.core.scan_sql import identifier
from osiris.drivers.duckdb import write_statements as sql
from osiris.drivers.duckdb.failure import write_failure
from osiris.drivers.duckdb.table_types import DuckDBDialect, held_by
from osiris.drivers.relational import table_sql
from osiris.drivers.relational.column_type import Column, Target
from osiris.drivers.relational.plan import Plan, PlannedColumn

_ROWS: Final = "osiris_rows"


class DuckDBTransaction:
    """A `TableTransaction` on a connection to the file, which whoever made it closes."""

    evolves_at_once = False

    def __init__(self, connection: Any, config: TableWriterConfig, cancelled: CancelToken) -> None:
        self.dialect = DuckDBDialect()
        self._connection = connection
        self._cancelled = cancelled
        self._mode = config.write_mode
        self._schema = config.schema or "main"
        self._table = config.table
        self._plan: Plan | None = None
        self._created = False
        self._rows = 0

    @property
    def name(self) -> str:
        """The table, for messages."""
        return f"{self._schema}.{self._table}"

    @property
    def _place(self) -> str:
        return f"{identifier(self._schema)}.{identifier(self._table)}"

    def describe(self) -> Target | None:
        """Begin the transaction and return the table with its columns."""
        with self._explained():
            self._connection.execute("BEGIN")
            kinds = self._connection.execute(sql.FIND, [self._schema, self._table]).fetchall()
            if not kinds:
                return None
            if kinds[0][0] != "table":
                raise ConfigError(
                    f"{self.name} is a {kinds[0][0]}, which cannot be written into",
                    hint="name a table",
                )
            facts = self._connection.execute(sql.COLUMNS, [self._schema, self._table]).fetchall()
            types = self._connection.sql(f"FROM {self._place}").types
        columns = (_column(fact, kind) for fact, kind in zip(facts, types, strict=True))
        return Target(self.name, tuple(columns))

    def create(self, columns: Sequence[Column], key: Sequence[str]) -> Target:
        """Make the table; nobody sees it before the commit."""
        with self._explained():
            self._connection.execute(table_sql.create_table(self._place, columns, key))
        self._created = True
        return Target(self.name, tuple(columns))

    def begin(self, plan: Plan) -> None:
        """Check what can be known now, change the table where the contract says so."""
        self._plan = plan
        with self._explained():
            if self._mode == "upsert":
                self._check_key(plan)
            for statement in sql.evolutions(self._place, plan):
                self._connection.execute(statement)
            if self._mode == "replace" and not self._created:
                self._connection.execute(f"DELETE FROM {self._place}")
            if self._mode == "upsert":
                self._connection.execute(sql.create_stage(plan))

    def _check_key(self, plan: Plan) -> None:
        found = self._connection.execute(sql.UNIQUE, [self._schema, self._table]).fetchall()
        wanted = {self.dialect.fold(name) for name in plan.key}
        if not any({self.dialect.fold(name) for name in names} == wanted for (names,) in found):
            raise ConfigError(
                f"{self.name} has no primary key or unique constraint on ({', '.join(plan.key)})",
                hint="declare one; without it two rows may have the same key",
            )

    def load(self, arrays: list[pa.Array], rows: int) -> None:  # noqa: ARG002 - DuckDB counts itself
        """Insert rows; they are this transaction's alone."""
        plan = self._begun
        if self._mode == "upsert":
            self._refuse_null_keys(arrays, plan)
        columns = [
            _as_duckdb_takes_it(array, planned)
            for array, planned in zip(arrays, plan.columns, strict=True)
        ]
        names = [f"c{place}" for place in range(len(columns))]
        with self._explained():
            self._connection.register(_ROWS, pa.Table.from_arrays(columns, names))
            try:
                into = sql.STAGE if self._mode == "upsert" else self._place
                inserted = self._connection.execute(sql.insert(into, plan, _ROWS)).fetchall()
            finally:
                with suppress(duckdb.Error):  # a transaction that has failed takes nothing more
                    self._connection.unregister(_ROWS)
        self._rows += int(inserted[0][0])

    def _refuse_null_keys(self, arrays: list[pa.Array], plan: Plan) -> None:
        for planned, array in zip(plan.columns, arrays, strict=True):
            if planned.column.name in plan.key and array.null_count:
                row = self._rows + array.is_null().index(pa.scalar(value=True)).as_py() + 1
                raise DataError(
                    f"row {row} has NULL in {planned.column.name!r}, which is part of the key of "
                    f"{self.name}",
                    hint="leave such rows out in the query",
                )

    def finish(self) -> int:
        """Merge staged rows; return how many rows the table got, by DuckDB's count."""
        if self._mode != "upsert":
            return self._rows
        plan = self._begun
        with self._explained():
            repeated = self._connection.execute(table_sql.repeated_key(sql.STAGE, plan)).fetchall()
            if repeated:
                raise self._repeated(plan, repeated[0])
            merged = self._connection.execute(sql.merge(self._place, plan)).fetchall()
            self._connection.execute(f"DROP TABLE {sql.STAGE}")
        return int(merged[0][0])

    def _repeated(self, plan: Plan, found: tuple[Any, ...]) -> DataError:
        count, *values = found
        key = ", ".join(f"{n} = {v!r}" for n, v in zip(plan.key, values, strict=True))
        return DataError(
            f"{count} rows of the input have the same key ({key}); only one can be in {self.name}",
            hint="leave one row for each key in the query (SQL: GROUP BY, or ROW_NUMBER())",
        )

    def commit(self) -> None:
        """Make it final."""
        with self._explained():
            self._connection.execute("COMMIT")

    @property
    def _begun(self) -> Plan:
        assert self._plan is not None  # noqa: S101 - the methods are called in their order
        return self._plan

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except duckdb.Error as error:
            self._cancelled.raise_if_set()
            raise write_failure(error, self.name) from error


def _column(fact: tuple[Any, ...], kind: Any) -> Column:
    name, nullable, default, generated = fact
    return Column(
        name,
        held_by(kind),
        nullable=bool(nullable),
        filled=default is not None,
        computed=bool(generated),
    )


def _as_duckdb_takes_it(array: pa.Array, planned: PlannedColumn) -> pa.Array:
    """Return the array with the type that makes DuckDB take a UUID as one."""
    kind = planned.column.type.arrow
    if isinstance(kind, pa.UuidType):
        return pa.ExtensionArray.from_storage(kind, array)
    return array

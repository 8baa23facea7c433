"""One transaction that writes one table of PostgreSQL: all of it, or nothing.

Rows go straight into the table by COPY where that is safe: an append that changes nothing of the
table. Otherwise they wait in a temporary table until all are there, so that locks which stop
others are held only for the end.

- append: `INSERT` from the stage.
- replace: `DELETE` of all rows and `INSERT`, in one transaction. Readers are never blocked and see
  the old rows until the commit and the new ones after it, at every isolation level, which neither
  TRUNCATE nor a table put in another's place gives them. Views, rights, indexes and constraints
  stay; the old rows' space is free after the next VACUUM.
- upsert: `INSERT … ON CONFLICT DO UPDATE`; a key that is twice in the input is an error.
"""

import contextlib
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import psycopg
import pyarrow as pa

from osiris.components.table_writer import TableWriterConfig
from osiris.core.errors import ConfigError, DataError
from osiris.drivers.postgres import write_statements as sql
from osiris.drivers.postgres.column_types import PostgresType, array_of
from osiris.drivers.postgres.copy_rows import HEADER, TRAILER, copy_rows
from osiris.drivers.postgres.dialect import PostgresDialect
from osiris.drivers.postgres.table_catalog import (
    Place,
    find_place,
    find_table,
    has_unique_key,
    read_columns,
    refuse_acting_references,
)
from osiris.drivers.postgres.write_session import WriteSession
from osiris.drivers.relational import table_sql
from osiris.drivers.relational.column_type import Column, Target
from osiris.drivers.relational.keys import refuse_null_keys, repeated_key
from osiris.drivers.relational.plan import Plan

_TWICE: Final = "21000"
"""cardinality_violation: ON CONFLICT would change a row twice."""


class PostgresTransaction:
    """A `TableTransaction` on an open session."""

    evolves_at_once = False

    def __init__(self, session: WriteSession, config: TableWriterConfig) -> None:
        self.dialect = PostgresDialect()
        self._session = session
        self._connection = session.connection
        self._config = config
        self._mode = config.write_mode
        with session.explained():
            self._place: Place = find_place(self._connection, config.schema, config.table)
        self.name = str(self._place)
        self._oid: int | None = None
        self._created = False
        self._staged = True
        self._plan: Plan | None = None
        self._copy: psycopg.Copy | None = None
        self._cursor: psycopg.Cursor[tuple[object, ...]] | None = None
        self._copying = contextlib.ExitStack()
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(psycopg.Error):
            self._copying.__exit__(kind, error, trace)  # a COPY that is not finished fails

    def describe(self) -> Target | None:
        """Return the table; from here on nobody can change its columns."""
        with self._session.explained():
            self._oid = find_table(self._connection, self._place)
            if self._oid is None:
                return None
            self._connection.execute(f"LOCK TABLE {self._place} IN ACCESS SHARE MODE".encode())
            return read_columns(self._connection, self._place, self._oid)

    def create(self, columns: Sequence[Column], key: Sequence[str]) -> Target:
        """Make the table within the transaction: nobody sees it before the commit."""
        statement = table_sql.create_table(self._place, columns, key)
        with self._session.explained():
            self._connection.execute(statement.encode())
            self._oid = find_table(self._connection, self._place)
        self._created = True
        return Target(self.name, tuple(columns))

    def begin(self, plan: Plan) -> None:
        """Check what can be known now, and open the way for the rows."""
        self._plan = plan
        parsed = any(planned.column.type.parsed for planned in plan.columns)
        fresh = self._created or self._mode == "append"
        upsert = self._mode == "upsert"
        self._staged = not fresh or upsert or parsed or bool(plan.evolutions)
        with self._session.explained():
            self._check_mode(plan)
            if self._staged:
                self._connection.execute(sql.create_stage(plan).encode())
            self._cursor = self._connection.cursor()
            statement = sql.copy_in(sql.STAGE if self._staged else self.name, plan)
            self._copy = self._copying.enter_context(self._cursor.copy(statement.encode()))
            self._copy.write(HEADER)

    def _check_mode(self, plan: Plan) -> None:
        assert self._oid is not None  # noqa: S101 - described or created by now
        if self._mode == "replace":
            refuse_acting_references(self._connection, self._place, self._oid)
        if self._mode == "upsert" and not has_unique_key(self._connection, self._oid, plan.key):
            raise ConfigError(
                f"{self._place} has no primary key or unique index on ({', '.join(plan.key)})",
                hint="declare one; without it two rows may have the same key",
            )

    def load(self, arrays: list[pa.Array], rows: int) -> None:
        """Send rows; the server keeps them to itself."""
        assert self._plan is not None  # noqa: S101 - begun by now
        assert self._copy is not None  # noqa: S101 - as above
        if self._mode == "upsert":
            refuse_null_keys(self._plan, arrays, self._rows)
        types = [_sent_as(planned.column.type) for planned in self._plan.columns]
        with self._session.explained():
            for chunk in copy_rows(arrays, types, rows, self._config.batch_size):
                self._copy.write(chunk)
        self._rows += rows

    def finish(self) -> int:
        """End the COPY, move staged rows into the table, and return how many it got."""
        assert self._copy is not None  # noqa: S101 - begun by now
        assert self._cursor is not None  # noqa: S101 - as above
        with self._session.explained():
            self._copy.write(TRAILER)
            self._copying.close()
            return self._put_in_effect() if self._staged else self._cursor.rowcount

    def _put_in_effect(self) -> int:
        assert self._plan is not None  # noqa: S101 - begun by now
        plan, run = self._plan, self._connection.execute
        if plan.evolutions:
            run(sql.evolve(self._place, plan.evolutions).encode())
        if self._mode == "upsert":
            return self._upsert(plan)
        if self._mode == "replace":
            # Readers go on; who would write waits, so that nothing slips in between.
            run(f"LOCK TABLE {self._place} IN SHARE ROW EXCLUSIVE MODE".encode())
            run(f"DELETE FROM {self._place}".encode())
        return run(sql.insert_from_stage(self._place, plan).encode()).rowcount

    def _upsert(self, plan: Plan) -> int:
        self._connection.execute(b"SAVEPOINT merge")
        try:
            statement = sql.upsert_from_stage(self._place, plan)
            return self._connection.execute(statement.encode()).rowcount
        except psycopg.errors.CardinalityViolation as error:
            self._connection.execute(b"ROLLBACK TO SAVEPOINT merge")
            raise self._repeated(plan) from error

    def _repeated(self, plan: Plan) -> DataError:
        found = self._connection.execute(
            table_sql.repeated_key(sql.STAGE, plan).encode()
        ).fetchone()
        count, *values = found or (2, *("?" for _ in plan.key))
        return repeated_key(plan, count, values)

    def commit(self) -> None:
        """Make it final, and find out whether it was when the answer does not come."""
        self._session.commit(idempotent=self._mode != "append")


def _sent_as(column: object) -> PostgresType:
    assert isinstance(column, PostgresType)  # noqa: S101 - the dialect makes no other
    if not column.parsed:
        return column
    text = PostgresType("text", pa.string())
    return array_of("text[]", text) if pa.types.is_list(column.arrow) else text

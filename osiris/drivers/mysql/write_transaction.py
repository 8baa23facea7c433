"""Writing one table of MySQL: all of it, or nothing.

Every DDL statement of MySQL commits, so each way of writing keeps to one final act:

- append: the rows go straight into the table, in one transaction. The final act is COMMIT.
- replace: the rows wait in a table beside the old one, made like it. The final act is one RENAME
  TABLE that puts it in the old one's place: readers see the old rows or the new. A table with
  triggers or foreign keys, which another in its place would not have, keeps its place: DELETE and
  the rows in one transaction, whose readers see the old rows until COMMIT.
- upsert: the rows wait in a temporary table and are merged in one transaction. COMMIT.
- a table that is made: it gets its name by RENAME TABLE when all rows are in it.

What a killed run leaves is a table `osiris_stage_…` or `osiris_old_…`, which the next write of the
same table drops; a lock of the session keeps two writers off the same stage.
"""

from collections.abc import Sequence
from typing import Final, Literal

import pyarrow as pa

from osiris.components.table_writer import TableWriterConfig
from osiris.core.errors import ConfigError, DataError, RowsLostError
from osiris.drivers.mysql.bulk_load import BulkInsert, LoadData
from osiris.drivers.mysql.dialect import MySQLDialect
from osiris.drivers.mysql.exact_values import as_sent, check_exact
from osiris.drivers.mysql.merge import (
    check_key,
    conflict_queries,
    merge_statement,
    missing_query,
    stage_statement,
)
from osiris.drivers.mysql.stages import (
    claim_stage,
    drop_outgoing,
    outgoing_of,
    stage_of,
    sweep,
)
from osiris.drivers.mysql.table_changes import (
    EXACT_COLLATION,
    create_table,
    definitions,
    evolve,
    keyed,
)
from osiris.drivers.mysql.table_facts import Place, TableFacts, find_place, table_facts
from osiris.drivers.mysql.write_session import WriteSession
from osiris.drivers.relational.column_type import Column, Target
from osiris.drivers.relational.plan import Plan, PlannedColumn
from osiris.drivers.relational.unfit import UnfitError

Way = Literal["straight", "swapped", "made", "merged"]
_MERGED: Final = "osiris_merge"


class MySQLTransaction:
    """A `TableTransaction` on an open session.

    Attributes:
        place: the table that is written.
        staged: whether a table waits beside it, which has to be dropped when the write fails.

    """

    def __init__(self, session: WriteSession, config: TableWriterConfig, schema: pa.Schema) -> None:
        self.dialect = MySQLDialect()
        self.place = find_place(session, config.schema, config.table)
        self.name = str(self.place)
        self.staged = False
        self._session = session
        self._config = config
        self._types = {self.dialect.fold(field.name): field.type for field in schema}
        self._facts: TableFacts | None = None
        self._way: Way = "made"
        self._into = self.place
        self._plan: Plan | None = None
        self._loader: LoadData | BulkInsert | None = None
        self._rows = 0

    @property
    def evolves_at_once(self) -> bool:
        """Whether the table is changed where it stands, which MySQL does not take back."""
        return self._way in {"straight", "merged"}

    def describe(self) -> Target | None:
        """Return the table with its columns, None when there is none."""
        self._facts = table_facts(
            self._session, self.place, lambda name: self._types.get(self.dialect.fold(name))
        )
        if self._facts is None:
            return None
        self._way = self._way_into(self._facts)
        return Target(self.name, self._facts.columns)

    def _way_into(self, facts: TableFacts) -> Way:
        mode = self._config.write_mode
        if mode == "replace" and not facts.tied:
            return "swapped"
        if not facts.transactional:
            raise ConfigError(
                f"{self.place} has the engine {facts.engine}, which cannot take back a write that "
                "fails",
                hint="convert it (ALTER TABLE … ENGINE = InnoDB), or set write_mode: replace",
            )
        return "merged" if mode == "upsert" else "straight"

    def create(self, columns: Sequence[Column], key: Sequence[str]) -> Target:
        """Make the table under the name of its stage."""
        self._way = "made"
        names = {self.dialect.fold(column.name): column.name for column in columns}
        folded = [self.dialect.fold(name) for name in key]
        order = [names[name] for name in folded if name in names]
        collation = self._session.value(EXACT_COLLATION) or "utf8mb4_bin"
        made = keyed(columns, order, collation)
        self._make_stage(create_table(stage_of(self.place), made, order))
        return Target(self.name, tuple(made))

    def _make_stage(self, statement: str) -> None:
        claim_stage(self._session, self.place)
        self.staged = True
        self._session.run(statement)
        self._into = stage_of(self.place)

    def begin(self, plan: Plan) -> None:
        """Make what the rows wait in, and begin the transaction that takes them."""
        self._plan = plan
        if self.evolves_at_once:
            sweep(self._session, self.place)
        if self._way == "swapped":
            self._make_stage(f"CREATE TABLE {stage_of(self.place).sql} LIKE {self.place.sql}")
        if self._way == "merged" and self._facts is not None:
            check_key(self.name, self._facts, plan.key, self.dialect.fold)
        if plan.evolutions:
            self._evolve(plan)
        if self._way == "merged" and self._facts is not None:
            self._into = self.place.beside(_MERGED)
            names = [planned.column.name for planned in plan.columns]
            self._session.run(stage_statement(self.place.sql, self._into.sql, self._facts, names))
        self._session.run("START TRANSACTION")
        if self._way == "straight" and self._config.write_mode == "replace":
            self._session.run(f"DELETE FROM {self.place.sql}")
        self._loader = self._loader_of(self._into, plan)

    def _evolve(self, plan: Plan) -> None:
        shown = self._session.rows(f"SHOW CREATE TABLE {self._into.sql}")
        text = shown[0][1] or ""
        self._session.run(evolve(self._into, plan.evolutions, definitions(text)))

    def _loader_of(self, into: Place, plan: Plan) -> LoadData | BulkInsert:
        columns = [(c.column.name, c.column.type.arrow) for c in plan.columns]
        local = self._session.value("SELECT @@local_infile") == "1"
        kind = LoadData if local else BulkInsert
        return kind(self._session, into.sql, columns, self._config.batch_size)

    def load(self, arrays: list[pa.Array], rows: int) -> None:
        """Send rows to where they wait, or into the transaction."""
        assert self._plan is not None  # noqa: S101 - begun by now
        assert self._loader is not None  # noqa: S101 - begun by now
        for planned, array in zip(self._plan.columns, arrays, strict=True):
            try:
                check_exact(array, planned.column)
            except UnfitError as unfit:
                raise self._refusal(planned, unfit) from unfit
            if self._way == "merged" and planned.column.name in self._plan.key:
                self._refuse_null_key(planned, array)
        if rows:
            columns = [planned.column for planned in self._plan.columns]
            self._loader.load([as_sent(a, c) for a, c in zip(arrays, columns, strict=True)])
        self._rows += rows

    def _refusal(self, planned: PlannedColumn, unfit: UnfitError) -> DataError:
        column = planned.column
        return DataError(
            f"column {column.name!r} of {self.name} is {column.type.name} and cannot hold "
            f"{unfit.value} of row {self._rows + unfit.position + 1} (Arrow {planned.source}): "
            f"{unfit.why}",
            hint="correct the data or the query, or change the column",
        )

    def _refuse_null_key(self, planned: PlannedColumn, array: pa.Array) -> None:
        if array.null_count:
            row = self._rows + array.is_null().index(pa.scalar(value=True)).as_py() + 1
            raise DataError(
                f"row {row} has NULL in {planned.column.name!r}, which is part of the key of "
                f"{self.name}",
                hint="leave such rows out in the query",
            )

    def finish(self) -> int:
        """Wait until the server has all rows, merge them where they are to be merged."""
        assert self._plan is not None  # noqa: S101 - begun by now
        assert self._loader is not None  # noqa: S101 - begun by now
        rows = self._loader.finish()
        if self._way == "merged" and self._facts is not None:
            self._merge(self._plan, self._facts)
        return rows

    def _merge(self, plan: Plan, facts: TableFacts) -> None:
        target, stage = self.place.sql, self._into.sql
        columns = [planned.column.name for planned in plan.columns]
        for index, query in conflict_queries(target, stage, facts, columns, plan.key):
            if (count := self._session.value(query)) != "0":
                raise DataError(
                    f"{count} rows have a value of the unique index {index!r} of {self.name} that "
                    "a row with another key has",
                    hint="correct the data; nothing was written",
                )
        self._session.run(merge_statement(target, stage, columns, plan.key))
        if (missing := self._session.value(missing_query(target, stage, plan.key))) != "0":
            raise RowsLostError(
                f"{missing} rows would have been written over rows of {self.name} with other keys",
                hint="look at the table's other unique indexes, and its triggers",
            )

    def commit(self) -> None:
        """Put everything in effect by one statement."""
        stage, target = stage_of(self.place).sql, self.place.sql
        repeatable = self._config.write_mode != "append"
        if self.evolves_at_once:
            self._session.commit("COMMIT", repeatable=repeatable)
            return
        self._session.run("COMMIT")
        out = f"{target} TO {outgoing_of(self.place).sql}, " if self._way == "swapped" else ""
        self._session.commit(f"RENAME TABLE {out}{stage} TO {target}", repeatable=repeatable)
        self.staged = False
        if self._way == "swapped":
            drop_outgoing(self._session, self.place)

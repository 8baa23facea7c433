"""Writing a table over REST, as near to one transaction as requests allow.

All rows are read, converted and checked before the first is sent, so that what is wrong with the
input stops the step with the table as it was. After that:

- append: one request, which is one transaction. More rows than fit are refused, unless `batch_size`
  says that each batch may stand for itself. A request of which nobody knows whether it was done
  ends the step; it is not made again.
- upsert: batches, each one transaction, each tried again at will: the rows are the same however
  often they come. A run that is killed in between leaves whole batches, and the next run the rest.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import pyarrow as pa

from osiris.components.supabase_writer import SupabaseWriterConfig
from osiris.core.errors import (
    ConfigError,
    RowsLostError,
    StepError,
    SystemStepError,
    TransientStepError,
)
from osiris.core.spill import SpillFile
from osiris.drivers.postgres.column_types import PostgresType
from osiris.drivers.postgres.dialect import PostgresDialect
from osiris.drivers.postgres.identifiers import quoted
from osiris.drivers.relational.column_type import Column, Target
from osiris.drivers.relational.keys import refuse_null_keys, refuse_repeated_keys
from osiris.drivers.relational.plan import Plan
from osiris.drivers.supabase.digits import check_digits, uncertain_columns
from osiris.drivers.supabase.json_values import json_rows
from osiris.drivers.supabase.openapi_table import table_from_openapi
from osiris.drivers.supabase.rest_client import RequestFailed, RestClient
from osiris.drivers.supabase.rest_errors import Failure, Outcome, unknown_outcome

_UPSERT_ROWS: Final = 1000
_APPEND_ROWS: Final = 100_000
_CONVERTED: Final = 1000
_LONGEST_QUERY: Final = 4000
_SPOOLED: Final = pa.schema([("row", pa.large_string())])
_BYTES: Final = 4 << 20
"""Bytes of a request's rows; what is larger is split where that is allowed."""


class RestTransaction:
    """A `TableTransaction` over REST; the rows wait in a temporary file in `spill_dir`."""

    evolves_at_once = False

    def __init__(self, client: RestClient, config: SupabaseWriterConfig, spill_dir: Path) -> None:
        self.dialect = PostgresDialect()
        names = [config.table] if config.schema is None else [config.schema, config.table]
        self.name = ".".join(map(quoted, names))
        self._client = client
        self._config = config
        self._spill_dir = spill_dir
        self._plan: Plan | None = None
        self._spool: SpillFile | None = None
        self._uncertain: list[str] = []
        self._keys: list[pa.RecordBatch] = []
        self._rows = 0
        self._sent = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._spool is not None:
            self._spool.close()

    @property
    def _upsert(self) -> bool:
        return self._config.write_mode == "upsert"

    def describe(self) -> Target | None:
        """Return the table as the API describes it."""
        return table_from_openapi(self._client.describe(), self._config.table, self.name)

    def create(self, columns: Sequence[Column], key: Sequence[str]) -> Target:  # noqa: ARG002 - the API makes no tables
        """Refuse: the API makes no tables."""
        raise ConfigError(f"there is no table {self.name}", hint="make it, or set `host`")

    def begin(self, plan: Plan) -> None:
        """Open the file where the rows wait."""
        self._plan = plan
        self._uncertain = uncertain_columns(plan)
        self._spool = SpillFile(self._spill_dir, _SPOOLED)

    def load(self, arrays: list[pa.Array], rows: int) -> None:
        """Turn rows into what is sent, and keep them until all are there."""
        assert self._plan is not None  # noqa: S101 - begun by now
        assert self._spool is not None  # noqa: S101 - as above
        names = [planned.column.name for planned in self._plan.columns]
        if self._upsert:
            refuse_null_keys(self._plan, arrays, self._rows)
            batch = pa.RecordBatch.from_arrays(arrays, names)
            self._keys.append(batch.select(list(self._plan.key)))
        types = [_postgres_type(planned.column.type) for planned in self._plan.columns]
        for start in range(0, rows, _CONVERTED):
            part = [array.slice(start, _CONVERTED) for array in arrays]
            texts = pa.array(json_rows(part, names, types, self._rows + start), pa.large_string())
            self._spool.append(pa.RecordBatch.from_arrays([texts], schema=_SPOOLED))
        self._rows += rows

    def finish(self) -> int:
        """Check what can only be seen of all rows together; return how many they are."""
        assert self._plan is not None  # noqa: S101 - begun by now
        assert self._spool is not None  # noqa: S101 - as above
        self._spool.seal()
        if self._keys:
            refuse_repeated_keys(self._plan, pa.Table.from_batches(self._keys))
            self._keys.clear()
        return self._rows

    def commit(self) -> None:
        """Send the rows."""
        if self._upsert or self._config.batch_size is not None:
            for rows in self._batches(self._config.batch_size or _UPSERT_ROWS):
                self._send(rows)
        else:
            self._send_at_once()

    def _send_at_once(self) -> None:
        batches = self._batches(_APPEND_ROWS)
        rows = next(batches, [])
        if next(batches, None) is not None:
            raise ConfigError(
                f"{self._rows} rows do not fit into one request, and only one request is one "
                "transaction",
                hint="use a PostgreSQL connection (host) or write_mode: upsert; or set batch_size, "
                "if the batches may stand for themselves when one fails",
            )
        if rows:
            self._send(rows)

    def _batches(self, most: int) -> Iterator[list[str]]:
        """Yield the rows as JSON, in batches of so many rows and bytes."""
        waiting: list[str] = []
        size = 0
        for row in self._spooled():
            if waiting and (len(waiting) == most or size + len(row) > _BYTES):
                yield waiting
                waiting, size = [], 0
            waiting.append(row)
            size += len(row)
        if waiting:
            yield waiting

    def _spooled(self) -> Iterator[str]:
        assert self._spool is not None  # noqa: S101 - begun by now
        for batch in self._spool.read():
            yield from batch.column(0).to_pylist()

    def _send(self, rows: list[str]) -> None:
        try:
            told, kept = self._insert(rows)
        except RequestFailed as failed:
            if failed.failure.outcome is Outcome.TOO_LARGE and len(rows) > 1 and self._may_split:
                half = len(rows) // 2
                self._send(rows[:half])
                self._send(rows[half:])
                return
            raise self._ended_by(failed.failure) from failed
        if told is not None and told != len(rows):
            raise RowsLostError(
                f"{self.name} got {told} rows of {len(rows)}",
                hint="look for a trigger or a rule on the table that leaves rows out",
            )
        check_digits(rows, kept, self._uncertain, self.name)
        self._sent += len(rows)

    def _insert(self, rows: list[str]) -> tuple[int | None, list[dict[str, str | None]]]:
        assert self._plan is not None  # noqa: S101 - begun by now
        names = _api_names(c.column.name for c in self._plan.columns)
        # All rows have the same names: the API looks at the first where it is not told.
        parameters = {"columns": names} if len(quote(names)) <= _LONGEST_QUERY else {}
        prefer = "return=minimal,count=exact"
        if self._uncertain:
            parameters["select"] = ",".join(f"{_api_names([n])}::text" for n in self._uncertain)
            prefer = "return=representation,count=exact"
        if self._upsert:
            parameters["on_conflict"] = _api_names(self._plan.key)
            prefer += ",resolution=merge-duplicates"
        body = f"[{','.join(rows)}]".encode()
        return self._client.insert(self._config.table, parameters, prefer, body, again=self._upsert)

    @property
    def _may_split(self) -> bool:
        return self._upsert or self._config.batch_size is not None

    def _ended_by(self, failure: Failure) -> StepError:
        """Return the error that ends the step, which says what is in the table by now."""
        error = failure.error
        if self._upsert:
            return error
        if failure.outcome is Outcome.UNKNOWN:
            return unknown_outcome(failure, self.name)
        if not self._sent:
            return error
        # Rows are there, so that doing it all again would double them.
        kind = SystemStepError if isinstance(error, TransientStepError) else type(error)
        return kind(
            f"{error.message}; the {self._sent} rows before are in {self.name}", hint=error.hint
        )


def _api_names(names: Iterable[str]) -> str:
    """Return names as PostgREST's parameters have them, whatever is in them."""
    return ",".join('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names)


def _postgres_type(column: object) -> PostgresType:
    assert isinstance(column, PostgresType)  # noqa: S101 - the dialect makes no other
    return column

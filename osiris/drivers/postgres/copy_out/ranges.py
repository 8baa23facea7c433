"""Reading the ranges of one column at the same time, in connections that see one state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from osiris.components.partition import Partition
from osiris.components.postgres_connection import PostgresConnection
from osiris.core.errors import ConfigError
from osiris.core.partition_ranges import cut_evenly, range_conditions
from osiris.drivers.postgres.copy_out.columns import Column
from osiris.drivers.postgres.copy_out.reader import QueryReader, ReadOptions, Session
from osiris.drivers.postgres.copy_out.statement import without_end
from osiris.drivers.postgres.wire.messages import whole_number
from osiris.drivers.postgres.wire.session import only_row

_EXPORT: Final = "SELECT pg_catalog.pg_export_snapshot()"
_HINT: Final = "name an integer, date or timestamp column, best an indexed one"


def read_ranges(
    settings: PostgresConnection,
    query: str,
    partition: Partition,
    options: ReadOptions,
    *,
    unread: int = 0,
) -> list[QueryReader]:
    """Return one reader for each range of `partition.column`, in the order of the ranges.

    The last `unread` columns of the query are there to be cut into ranges, not to be read.
    All of them see the state of the first, which exports it. Raises `ConfigError` when the column
    cannot be cut into ranges, and what a `Session` raises.
    """
    query = without_end(query)
    sessions = [Session(settings, options)]
    try:
        columns = sessions[0].columns(query)
        shown = columns[: len(columns) - unread]
        conditions = _conditions(sessions[0], query, columns, partition)
        with sessions[0].guarded() as receiver:
            (snapshot,) = only_row(receiver, _EXPORT, 1)
        sessions.extend(Session(settings, options, snapshot) for _ in conditions[1:])
        return [
            QueryReader(session, query, columns=shown, condition=condition, unread=unread)
            for session, condition in zip(sessions, conditions, strict=True)
        ]
    except BaseException:
        for session in sessions:
            session.receiver.wire.close(idle=False)
        raise


def _conditions(
    session: Session, query: str, columns: list[Column], partition: Partition
) -> list[str]:
    names = [column.name for column in columns]
    if partition.column not in names:
        raise ConfigError(
            f"partition.column {partition.column!r} is not one of the columns that are read",
            hint=_HINT,
        )
    place = names.index(partition.column)
    kind = columns[place].type
    cut = next((cut for matches, cut in _CUTS if matches(kind)), None)
    if cut is None:
        raise ConfigError(
            f"partition.column {partition.column!r} has type {kind}, which is not cut into ranges",
            hint=_HINT,
        )
    aliases = [f"c{number}" for number in range(1, len(columns) + 1)]
    column = aliases[place]
    with session.guarded() as receiver:
        least, greatest = only_row(receiver, cut.ends(column, query, ", ".join(aliases)), 2)
        if least is None or greatest is None:  # no rows, or no value that is one in Arrow
            return range_conditions(column, [])
        cuts = cut_evenly(whole_number(least), whole_number(greatest), partition.parts)
    return range_conditions(column, [cut.literal(number) for number in cuts])


@dataclass(frozen=True)
class _Cut:
    """How the values of a type become numbers, and numbers values.

    Attributes:
        as_number: SQL of `{}`, a value.
        literal: returns the SQL of the value that a number stands for.
        within: SQL of `{}`, the column, for values that are numbers; others are in outer ranges.

    """

    as_number: str
    literal: Callable[[int], str]
    within: str = "TRUE"

    def ends(self, column: str, query: str, aliases: str) -> str:
        """Return the query for the least and the greatest value, as numbers."""
        ends = [self.as_number.format(f"{end}({column})") for end in ("min", "max")]
        within = self.within.format(column)
        return f"SELECT {', '.join(ends)} FROM (\n{query}\n) AS asked ({aliases}) WHERE {within}"


def _date(days: int) -> str:
    return f"DATE '{np.datetime64(days, 'D')}'"


def _timestamp(micros: int) -> str:
    return f"TIMESTAMP '{np.datetime64(micros, 'us')}'"


def _timestamptz(micros: int) -> str:
    return f"TIMESTAMPTZ '{np.datetime64(micros, 'us')}+00'"


_WITHIN: Final = "{0} >= DATE '0001-01-01' AND {0} < DATE '10000-01-01'"
_MICROSECONDS: Final = "CAST(EXTRACT(EPOCH FROM {}) * 1000000 AS bigint)"
_CUTS: Final[tuple[tuple[Callable[[pa.DataType], bool], _Cut], ...]] = (
    (pa.types.is_integer, _Cut("{}", str)),
    (pa.types.is_date, _Cut("{} - DATE '1970-01-01'", _date, _WITHIN)),
    (pa.timestamp("us").equals, _Cut(_MICROSECONDS, _timestamp, _WITHIN)),
    (pa.timestamp("us", "UTC").equals, _Cut(_MICROSECONDS, _timestamptz, _WITHIN)),
)

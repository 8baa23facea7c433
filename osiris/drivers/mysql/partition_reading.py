"""Reading the ranges of one column at the same time, in connections that see one state."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from osiris.components.mysql_extractor import MySQLExtractorConfig
from osiris.core.errors import ConfigError, MissingRightError
from osiris.core.partition_ranges import as_integer, cut_evenly, range_conditions
from osiris.drivers.mysql.names import quoted
from osiris.drivers.mysql.protocol import ERR, parse_error
from osiris.drivers.mysql.reader import QueryReader, ReadOptions, open_session, protocol_of
from osiris.drivers.mysql.receive import Receiver
from osiris.drivers.mysql.session import begin_together, scalar
from osiris.drivers.mysql.statement import attempt, run

# Access denied: to the database, to the account, to the table; a privilege is missing.
_DENIED: Final = frozenset({1044, 1045, 1142, 1227})
_EACH: Final = "set partition.snapshot: each, if ranges may be of states moments apart"
_ENGINE: Final = (
    "SELECT e.TRANSACTIONS FROM information_schema.TABLES AS t"
    " JOIN information_schema.ENGINES AS e ON e.ENGINE = t.ENGINE"
    " WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = CONVERT(0x{} USING utf8mb4)"
)


def read_ranges(config: MySQLExtractorConfig, options: ReadOptions) -> list[QueryReader]:
    """Return one reader for each range of `config.partition`, in the order of the ranges.

    With `snapshot: one` all of them see the same state. Raises `ConfigError` when the column cannot
    be cut into ranges, or the account may not take the lock that this needs.
    """
    source, columns = _source(config)
    conditions = _conditions(config, source, options)
    queries = [f"SELECT {columns} FROM {source} WHERE {condition}" for condition in conditions]
    guarded = config.partition is not None and config.partition.snapshot == "one"
    sessions: list[Receiver] = []
    try:
        sessions.extend(open_session(config.connection, options) for _ in queries)
        if guarded:
            _begin_under_lock(config, options, sessions)
        else:
            with protocol_of(sessions[0].wire):
                begin_together(sessions)
        return [
            QueryReader(config.connection, sql, options, begun=session)
            for sql, session in zip(queries, sessions, strict=True)
        ]
    except BaseException:
        for session in sessions:
            session.wire.close(idle=False)
        raise


def _source(config: MySQLExtractorConfig) -> tuple[str, str]:
    """Return what is read as SQL: after FROM, and after SELECT."""
    if config.query is None:
        columns = ", ".join(map(quoted, config.columns or ())) or "*"
        return quoted(config.table or ""), columns
    query = config.query.rstrip().removesuffix(";")
    return f"({query}\n) AS partitioned", "*"  # a comment at its end ends with the line


def _conditions(config: MySQLExtractorConfig, source: str, options: ReadOptions) -> list[str]:
    assert config.partition is not None  # noqa: S101 - whoever calls has looked
    name = config.partition.column
    column = quoted(name)
    sql = f"SELECT MIN({column}) AS least, MAX({column}) AS greatest FROM {source}"
    plain = replace(options, tinyint1="int8", zero_dates="null")
    reader = QueryReader(config.connection, sql, plain)
    row = pa.Table.from_batches(reader.batches(), schema=reader.schema)
    try:
        least, greatest = (as_integer(row[end][0]) for end in ("least", "greatest"))
    except TypeError as error:
        raise ConfigError(
            f"partition.column {name!r}: {error}",
            hint="name an integer, DATE, DATETIME or TIMESTAMP column, best an indexed one",
        ) from error
    # NULL for an empty table, or where the least value is a date that is none.
    if least is None or greatest is None:
        return range_conditions(column, [])
    cuts = cut_evenly(least, greatest, config.partition.parts)
    return range_conditions(column, [_literal(cut, reader.schema.field(0).type) for cut in cuts])


def _literal(number: int, kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return str(number)
    unit: Literal["D", "us"] = "D" if pa.types.is_date32(kind) else "us"
    text = str(np.datetime64(number, unit)).replace("T", " ")
    return f"{'DATE' if unit == 'D' else 'TIMESTAMP'}'{text}'"


def _begin_under_lock(
    config: MySQLExtractorConfig, options: ReadOptions, sessions: Sequence[Receiver]
) -> None:
    """Begin every session's transaction while nothing can be committed to what they read.

    LOCK TABLES waits for the transactions that have written to the table, the global lock keeps
    every COMMIT waiting: between two snapshots no change can become visible.
    """
    guard = open_session(config.connection, options)
    with contextlib.closing(guard.wire), protocol_of(guard.wire):
        run(guard, f"SET SESSION lock_wait_timeout = {options.lock_seconds:d}")
        if config.table is None:
            _lock(guard, "FLUSH TABLES WITH READ LOCK", "RELOAD")
        else:
            _check_engine(guard, config.table)
            _lock(guard, f"LOCK TABLES {quoted(config.table)} READ", "LOCK TABLES")
        begin_together(sessions)
        run(guard, "UNLOCK TABLES")


def _lock(guard: Receiver, statement: str, privilege: str) -> None:
    answer = attempt(guard, statement)
    if answer[0] != ERR:
        return
    refusal = guard.refusal(answer)
    if parse_error(answer).number in _DENIED:
        raise MissingRightError(
            f"ranges of one state need a lock that the account may not take: {refusal.message}",
            hint=f"grant the user {privilege}; or {_EACH}",
        )
    raise refusal


def _check_engine(guard: Receiver, table: str) -> None:
    if scalar(guard, _ENGINE.format(table.encode().hex())) == "NO":
        raise ConfigError(
            f"table {table!r} has an engine without transactions, whose state nobody can hold",
            hint=f"convert it to InnoDB; or {_EACH}",
        )

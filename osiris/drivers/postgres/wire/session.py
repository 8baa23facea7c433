"""Statements on an open connection: text results, and what columns a query would have."""

from collections.abc import Collection, Sequence
from typing import Final

from osiris.core.errors import ConfigError
from osiris.drivers.postgres.wire.messages import (
    COMPLETE,
    COPY_OUT,
    DATA_ROW,
    ERROR,
    NO_DATA,
    PARAMETERS,
    READY,
    ROW_DESCRIPTION,
    FieldDescription,
    MalformedMessageError,
    message,
    parse_fields,
    parse_row,
    text,
)
from osiris.drivers.postgres.wire.receive import Receiver

Row = list[str | None]

_QUERY, _PARSE, _DESCRIBE, _SYNC = b"Q", b"P", b"D", b"S"
_PARSED: Final = b"1"
_UNNAMED: Final = b"S" + text("")  # the prepared statement without a name
_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# What a value looks like where the server makes a text of it: the same on every server.
_SETTINGS: Final = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "default_transaction_read_only": "on",
}
# Rows come in the same order each time the same data are read.
_STEADY: Final = {"synchronize_seqscans": "off", "max_parallel_workers_per_gather": "0"}


def begin_read_only(
    receiver: Receiver, snapshot: str | None = None, *, chosen: Collection[str] = ()
) -> None:
    """Begin a transaction in which the server refuses every change, of one state of the data.

    `snapshot` is the exported state of another transaction to read as well. Once the state is
    taken, which happens here, nothing a query calls can make the transaction READ WRITE. Settings
    that are `chosen` in the connection stay as they are, as far as no value depends on them.
    """
    taken = "SELECT 1" if snapshot is None else f"SET TRANSACTION SNAPSHOT {literal(snapshot)}"
    steady = {name: value for name, value in _STEADY.items() if name not in chosen}
    wanted = {**steady, **_SETTINGS}
    settings = [f"SET LOCAL {name} = {literal(value)}" for name, value in wanted.items()]
    rows(receiver, "; ".join([_BEGIN, taken, "SELECT 1", *settings]))


def literal(value: str) -> str:
    """Return a text as SQL, whatever the server's settings for backslashes are."""
    quoted = value.replace("'", "''")
    return f"'{quoted}'" if "\\" not in value else " E'" + quoted.replace("\\", "\\\\") + "'"


def rows(receiver: Receiver, sql: str, *, width: int | None = None) -> list[Row]:
    """Run statements and return the rows of all of them, values as texts.

    Raises `MalformedMessageError` for a row that has not `width` values, where that is given.
    """
    receiver.send(message(_QUERY, text(sql)))
    found: list[Row] = []
    while True:
        kind, payload = receiver.message()
        if kind == ERROR:
            raise receiver.refusal(payload)
        if kind == READY:
            return found
        if kind == DATA_ROW:
            found.append(parse_row(payload))
            if width not in {None, len(found[-1])}:
                raise MalformedMessageError(f"a row has {len(found[-1])} values, not {width}")


def only_row(receiver: Receiver, sql: str, width: int) -> Row:
    """Run a query and return its one row, of `width` texts."""
    found = rows(receiver, sql, width=width)
    if len(found) != 1:
        raise MalformedMessageError(f"{len(found)} rows come, not one")
    return found[0]


def describe(receiver: Receiver, sql: str) -> Sequence[FieldDescription]:
    """Return the columns of a query without running it.

    Raises `ConfigError` for a statement that returns no rows, for more than one statement and for
    a query with parameters.
    """
    prepared = message(_PARSE, text("") + text(sql) + b"\0\0")
    asked = message(_DESCRIBE, _UNNAMED) + message(_SYNC, b"")
    receiver.send(prepared + asked)
    receiver.expect(_PARSED)
    _, parameters = receiver.expect(PARAMETERS)
    kind, payload = receiver.expect(ROW_DESCRIPTION, NO_DATA)
    receiver.expect(READY)
    if parameters[:2] != b"\0\0":
        raise ConfigError(
            "the query has parameters ($1), and no values for them",
            hint="write the values into the query: ${params.name}; quote a $1 that is text",
        )
    if kind == NO_DATA:
        raise ConfigError(
            "the statement returns no rows, so there is nothing to extract",
            hint="write one query that returns rows (SELECT …) and puts them nowhere",
        )
    return parse_fields(payload)


def send_copy(receiver: Receiver, sql: str) -> None:
    """Have the server run a statement that copies out, and wait for nothing.

    `begin_copy`, the data and `end_copy` follow: the server says that it has begun only when it
    sends the first rows.
    """
    receiver.send(message(_QUERY, text(sql)))


def begin_copy(receiver: Receiver) -> None:
    """Wait for the first data; raises the server's error."""
    receiver.expect(COPY_OUT)


def end_copy(receiver: Receiver) -> None:
    """Take what follows the data; raises the server's error."""
    receiver.expect(COMPLETE)
    receiver.expect(READY)

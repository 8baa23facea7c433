"""Running one statement and reading what the server says about its result, up to the first row."""

import struct
from dataclasses import dataclass
from typing import Final

from osiris.core.errors import ConfigError
from osiris.drivers.mysql.protocol import (
    COM_QUERY,
    COM_STMT_CLOSE,
    COM_STMT_EXECUTE,
    COM_STMT_PREPARE,
    EOF,
    ERR,
    LOCAL_INFILE,
    OK,
    ColumnDefinition,
    MalformedPacketError,
    parse_column,
    parse_error,
    parse_prepared,
    read_length,
)
from osiris.drivers.mysql.read_only import only_reads
from osiris.drivers.mysql.receive import Receiver

# The server cannot prepare this statement; the server (or a proxy) prepares none at all.
_NOT_PREPARABLE: Final = frozenset({1295, 1047})
_NO_CURSOR: Final = 0
_NOT_A_QUERY: Final = "the statement returns no rows, so there is nothing to extract"
_HINT: Final = "write one query that returns rows (SELECT …) and puts them nowhere"


@dataclass(frozen=True)
class Result:
    """A result set whose rows come next: its columns, and which protocol the rows have.

    `statement` is the number of the prepared statement it came from, which the server keeps until
    it is closed or the connection is; None when there is none.
    """

    definitions: list[ColumnDefinition]
    binary: bool
    statement: int | None = None


def run(receiver: Receiver, sql: str) -> None:
    """Run a statement that returns no rows; raises the server's error."""
    send_statement(receiver, sql)
    finish_statement(receiver, sql)


def attempt(receiver: Receiver, sql: str) -> bytes:
    """Run a statement that returns no rows; return the answer's packet, OK or ERR."""
    send_statement(receiver, sql)
    answer = receiver.packet()
    if answer[0] not in {OK, ERR}:
        raise MalformedPacketError(f"{sql} returns rows")
    return answer


def send_statement(receiver: Receiver, sql: str) -> None:
    """Send a statement that returns no rows; `finish_statement` takes its answer."""
    receiver.command(COM_QUERY + sql.encode())


def finish_statement(receiver: Receiver, sql: str) -> None:
    """Take the answer to a statement that returns no rows; raises the server's error."""
    if _answer(receiver)[0] != OK:
        raise MalformedPacketError(f"{sql} returns rows")


def query(receiver: Receiver, sql: str) -> Result:
    """Run a query and return its columns.

    It goes through the binary protocol, without a cursor. A statement the server cannot prepare
    goes through the text protocol when it is one that only reads. Raises `ConfigError` for what is
    no query and what the server raises.
    """
    receiver.command(COM_STMT_PREPARE + sql.encode())
    answer = receiver.packet()
    if answer[0] == ERR:
        if parse_error(answer).number in _NOT_PREPARABLE and only_reads(sql):
            return text_query(receiver, sql)
        raise receiver.refusal(answer)
    prepared = parse_prepared(answer)
    for count in (prepared.parameters, prepared.columns):
        _definitions(receiver, count)
    if prepared.parameters:
        raise ConfigError(
            f"the query has {prepared.parameters} parameters (?), and no values for them",
            hint="write the values into the query: ${params.name}; quote a ? that is text",
        )
    if not prepared.columns and not only_reads(sql):
        raise ConfigError(_NOT_A_QUERY, hint=_HINT)
    receiver.command(COM_STMT_EXECUTE + struct.pack("<IBI", prepared.statement_id, _NO_CURSOR, 1))
    return Result(_result_columns(receiver), binary=True, statement=prepared.statement_id)


def forget(receiver: Receiver, result: Result) -> None:
    """Let the server forget a result's prepared statement; every row must have been read."""
    if result.statement is not None:
        receiver.command(COM_STMT_CLOSE + struct.pack("<I", result.statement))


def text_query(receiver: Receiver, sql: str) -> Result:
    """Run a query through the text protocol and return its columns."""
    receiver.command(COM_QUERY + sql.encode())
    return Result(_result_columns(receiver), binary=False)


def _result_columns(receiver: Receiver) -> list[ColumnDefinition]:
    answer = _answer(receiver)
    if answer[0] == OK:
        raise ConfigError(_NOT_A_QUERY, hint=_HINT)
    if answer[0] == LOCAL_INFILE:
        raise ConfigError("the server asks for a file of this machine; it gets none", hint=_HINT)
    count, _ = read_length(answer, 0)
    return _definitions(receiver, count)


def _definitions(receiver: Receiver, count: int) -> list[ColumnDefinition]:
    definitions = [parse_column(receiver.packet()) for _ in range(count)]
    if count and not receiver.wire.deprecate_eof and receiver.packet()[0] != EOF:
        raise MalformedPacketError("the columns of a result do not end")
    return definitions


def _answer(receiver: Receiver) -> bytes:
    answer = receiver.packet()
    if answer[0] == ERR:
        raise receiver.refusal(answer)
    return answer

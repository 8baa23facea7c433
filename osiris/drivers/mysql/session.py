"""Setting the session up so that it reads one consistent state and can change nothing."""

from collections.abc import Sequence
from typing import Final

from osiris.drivers.mysql.protocol import ERR, TEXT_NULL, read_length
from osiris.drivers.mysql.receive import Receiver
from osiris.drivers.mysql.statement import (
    finish_statement,
    run,
    send_statement,
    text_query,
)

PREPARE: Final = (
    # TIMESTAMP columns come in UTC. The server waits for a slow reader instead of hanging up.
    "SET SESSION time_zone = '+00:00', SESSION net_write_timeout = 3600",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
)
BEGIN: Final = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"


def prepare_reading(receiver: Receiver) -> None:
    """Set the session up for `begin_together`; raises the server's error."""
    for statement in PREPARE:
        run(receiver, statement)


def begin_read_only(receiver: Receiver) -> None:
    """Begin a transaction in which the server refuses every change; raises the server's error."""
    prepare_reading(receiver)
    begin_together([receiver])


def begin_together(receivers: Sequence[Receiver]) -> None:
    """Begin transactions in which the server refuses every change, as near in time as can be.

    Raises the server's error.
    """
    for receiver in receivers:
        send_statement(receiver, BEGIN)
    for receiver in receivers:
        finish_statement(receiver, BEGIN)


def text_rows(receiver: Receiver, sql: str) -> list[tuple[str | None, ...]]:
    """Return all rows of a small query, every value as text; raises the server's error."""
    width = len(text_query(receiver, sql).definitions)
    found = [
        _text_row(block.data[begin:end].tobytes(), width)
        for block in receiver.blocks()
        for begin, end in zip(block.begin, block.end, strict=True)
    ]
    if receiver.last[0] == ERR:
        raise receiver.refusal(receiver.last)
    return found


def _text_row(row: bytes, width: int) -> tuple[str | None, ...]:
    values: list[str | None] = []
    at = 0
    for _ in range(width):
        if row[at] == TEXT_NULL:
            values.append(None)
            at += 1
            continue
        length, start = read_length(row, at)
        at = start + length
        values.append(row[start:at].decode("utf-8", "replace"))
    return tuple(values)


def scalar(receiver: Receiver, sql: str) -> str | None:
    """Return the first value of a query's only row as text; None when it is NULL or missing."""
    rows = text_rows(receiver, sql)
    return rows[-1][0] if rows else None

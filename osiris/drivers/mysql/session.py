"""Setting the session up so that it reads one consistent state and can change nothing."""

from collections.abc import Sequence
from typing import Final

from osiris.drivers.mysql.protocol import TEXT_NULL, read_length
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


def scalar(receiver: Receiver, sql: str) -> str | None:
    """Return the first value of a query's only row as text; None when it is NULL or missing."""
    text_query(receiver, sql)
    value = None
    for block in receiver.blocks():
        row = block.data[block.begin[0] : block.end[0]].tobytes()
        if row[0] != TEXT_NULL:
            length, start = read_length(row, 0)
            value = row[start : start + length].decode("utf-8", "replace")
    return value

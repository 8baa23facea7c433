"""Rows into a table as fast as the server takes them: LOAD DATA LOCAL, else long INSERTs.

The server asks for the file of LOAD DATA LOCAL inside the protocol and gets the rows as they come.
It then passes over what it cannot write, with a warning: every warning is an error here.
"""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from osiris.core.errors import ConfigError, DataError, RowsLostError, StepError
from osiris.drivers.mysql.names import quoted
from osiris.drivers.mysql.protocol import OkPacket
from osiris.drivers.mysql.row_text import INSERT, LOAD_DATA, RowText, row_texts
from osiris.drivers.mysql.write_errors import write_error
from osiris.drivers.mysql.write_session import WriteSession

_PACKET_BYTES: Final = 256 << 10
_STATEMENT_BYTES: Final = 16 << 20
"""Text after which a statement ends, so that what the server objects to is known soon."""
_INSERT_BYTES: Final = 1 << 20
_SPARE_BYTES: Final = 64
_UNSAFE_FOR_LOG: Final = "1592"
"""The number of a warning about statement-based replication, whatever the rows are."""
_ROW: Final = re.compile(r"( at row )(\d+)(?= \(MySQL error)")
_PARTS: Final = "LOAD DATA LOCAL INFILE 'osiris' INTO TABLE {} CHARACTER SET utf8mb4 ({}){}"


class LoadData:
    """Rows through LOAD DATA LOCAL.

    Attributes:
        rows: rows that the server has written.

    """

    def __init__(
        self,
        session: WriteSession,
        table: str,
        columns: Sequence[tuple[str, pa.DataType]],
        batch_size: int | None,
    ) -> None:
        """Take the name of the table as SQL, and of its columns as they are with their types."""
        self.rows = 0
        self._session = session
        self._batch_size = batch_size
        self._open = False
        self._sent_rows = self._sent_bytes = 0
        # Bytes come as hexadecimal digits: not every server takes any bytes in a text.
        variables = [
            (f"@v{place}" if pa.types.is_binary(kind) else quoted(name))
            for place, (name, kind) in enumerate(columns)
        ]
        decoded = [
            f"{quoted(name)} = UNHEX(@v{place})"
            for place, (name, kind) in enumerate(columns)
            if pa.types.is_binary(kind)
        ]
        setting = f" SET {', '.join(decoded)}" if decoded else ""
        self._statement = _PARTS.format(table, ", ".join(variables), setting)

    def load(self, arrays: Sequence[pa.Array]) -> None:
        """Send rows."""
        for text in row_texts(arrays, LOAD_DATA):
            begin = 0
            while begin < len(text.ends):
                begin = self._send(text, begin)

    def _send(self, text: RowText, begin: int) -> int:
        """Send rows from `begin` on, as many as the statement may still have; return the next."""
        room = len(text.ends) if self._batch_size is None else self._batch_size - self._sent_rows
        end = min(len(text.ends), begin + room)
        if not self._open:
            self._session.begin_upload(self._statement)
            self._open = True
        first = int(text.ends[begin - 1]) if begin else 0
        last = int(text.ends[end - 1])
        for start in range(first, last, _PACKET_BYTES):
            self._session.upload(text.data[start : min(start + _PACKET_BYTES, last)])
        self._sent_rows += end - begin
        self._sent_bytes += last - first
        if self._sent_rows == self._batch_size or self._sent_bytes >= _STATEMENT_BYTES:
            self.finish()
        return end

    def finish(self) -> int:
        """Wait until the server has written all rows sent so far; return them all."""
        if self._open:
            self._open = False
            answer = self._session.end_upload()
            check_written(self._session, answer, self._sent_rows, before=self.rows)
            self.rows += self._sent_rows
            self._sent_rows = self._sent_bytes = 0
        return self.rows


class BulkInsert:
    """Rows through INSERT statements with many rows each; the same as `LoadData` else."""

    def __init__(
        self,
        session: WriteSession,
        table: str,
        columns: Sequence[tuple[str, pa.DataType]],
        batch_size: int | None,
    ) -> None:
        self.rows = 0
        self._session = session
        self._batch_size = batch_size
        names = ", ".join(quoted(name) for name, _ in columns)
        self._head = f"INSERT INTO {table} ({names}) VALUES ".encode()
        self._allowed = int(session.value("SELECT @@max_allowed_packet") or _INSERT_BYTES)
        self._room = min(_INSERT_BYTES, self._allowed) - len(self._head) - _SPARE_BYTES

    def load(self, arrays: Sequence[pa.Array]) -> None:
        """Write rows."""
        for text in row_texts(arrays, INSERT):
            begin = 0
            while begin < len(text.ends):
                first = int(text.ends[begin - 1]) if begin else 0
                end = int(np.searchsorted(text.ends, first + self._room, side="right"))
                most = len(text.ends) if self._batch_size is None else begin + self._batch_size
                end = min(max(end, begin + 1), most)
                self._insert(text.data[first : int(text.ends[end - 1]) - 1], end - begin)
                begin = end

    def _insert(self, values: memoryview, rows: int) -> None:
        if len(self._head) + len(values) + 1 > self._allowed:
            raise ConfigError(
                f"row {self.rows + 1} takes {len(values)} bytes, more than the server's "
                f"max_allowed_packet of {self._allowed}",
                hint="raise max_allowed_packet on the server, or set local_infile = ON there",
            )
        try:
            answer = self._session.insert([self._head, values])
        except DataError as error:
            raise _numbered(error, self.rows) from error
        check_written(self._session, answer, rows, before=self.rows)
        self.rows += rows

    def finish(self) -> int:
        """Return the rows written."""
        return self.rows


def check_written(session: WriteSession, answer: OkPacket, rows: int, *, before: int) -> None:
    """Raise when the server warned of something or did not write all of `rows`.

    `before` rows were written by earlier statements, which the messages take into account.
    """
    if answer.warnings:
        _check_warnings(session, answer.warnings, before)
    if answer.affected != rows:
        raise RowsLostError(
            f"the server wrote {answer.affected} of {rows} rows and did not say why",
            hint="look for a trigger on the table; nothing was kept",
        )


def _check_warnings(session: WriteSession, count: int, before: int) -> None:
    """Raise the error for the first warning that is about the rows."""
    found = session.rows("SHOW WARNINGS")
    for _, number, text in found:
        if number != _UNSAFE_FOR_LOG:
            error = write_error(int(number or 0), "22000", text or "", session.where)
            raise _numbered(error, before)
    if len(found) < count:
        raise DataError("the server warned of values it changed", hint="nothing was kept")


def _numbered(error: StepError, before: int) -> StepError:
    """Return the error with the row's number in the statement made one in the whole input."""
    message = _ROW.sub(lambda found: f"{found[1]}{int(found[2]) + before}", error.message, count=1)
    return type(error)(message, hint=error.hint)

"""The packets of the MySQL client/server protocol that are not rows, as values.

Layouts: https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html; where MariaDB
differs, https://mariadb.com/kb/en/clientserver-protocol/.
"""

import struct
from dataclasses import dataclass
from typing import Final

COM_QUERY: Final = b"\x03"
COM_STMT_PREPARE: Final = b"\x16"
COM_STMT_EXECUTE: Final = b"\x17"
COM_STMT_CLOSE: Final = b"\x19"

OK: Final = 0x00
LOCAL_INFILE: Final = 0xFB
EOF: Final = 0xFE
ERR: Final = 0xFF
TEXT_NULL: Final = 0xFB
"""What stands for NULL in a row of the text protocol."""

# Lengths that say how many bytes of the length follow.
_LENGTH_BYTES: Final = {0xFC: 2, 0xFD: 3, 0xFE: 8}
_EOF_BYTES: Final = 5


class MalformedPacketError(Exception):
    """A packet does not have the layout of its kind; the message says which and where."""


@dataclass(frozen=True)
class ErrorPacket:
    """What the server says went wrong: its number, the SQLSTATE and a text."""

    number: int
    sqlstate: str
    text: str


@dataclass(frozen=True)
class OkPacket:
    """What the server says of a statement it has run.

    Attributes:
        affected: rows changed.
        warnings: warnings, errors that were passed over among them; 65535 may mean more.
        info: a sentence in the server's language, such as `Records: 3  Duplicates: 0 …`.

    """

    affected: int
    warnings: int
    info: str


@dataclass(frozen=True)
class Prepared:
    """The answer to COM_STMT_PREPARE."""

    statement_id: int
    columns: int
    parameters: int


@dataclass(frozen=True)
class ColumnDefinition:
    """One column of a result as the server describes it.

    `length` is the display width in bytes, `decimals` the digits after the point, `type_code` and
    `flags` are those of `enum_field_types` and of the column definition flags.
    """

    name: str
    charset: int
    length: int
    type_code: int
    flags: int
    decimals: int


def read_length(data: bytes, at: int) -> tuple[int, int]:
    """Return the length-encoded integer at `at` and the offset behind it."""
    try:
        first = data[at]
        extra = _LENGTH_BYTES.get(first, 0)
    except IndexError:
        raise MalformedPacketError("a length is cut off") from None
    if not extra:
        return first, at + 1
    end = at + 1 + extra
    if end > len(data):
        raise MalformedPacketError("a length is cut off")
    return int.from_bytes(data[at + 1 : end], "little"), end


def _read_text(data: bytes, at: int) -> tuple[bytes, int]:
    length, start = read_length(data, at)
    if start + length > len(data):
        raise MalformedPacketError("a text is cut off")
    return data[start : start + length], start + length


def parse_error(payload: bytes) -> ErrorPacket:
    """Parse a packet that begins with 0xFF."""
    if len(payload) < 3:  # noqa: PLR2004 - the marker and two bytes of the number
        raise MalformedPacketError("an error packet is cut off")
    number = int.from_bytes(payload[1:3], "little")
    sqlstate, text = "", payload[3:]
    if text[:1] == b"#":
        sqlstate, text = text[1:6].decode("ascii", "replace"), text[6:]
    return ErrorPacket(number, sqlstate, text.decode("utf-8", "replace"))


def parse_ok(payload: bytes) -> OkPacket:
    """Parse a packet that begins with 0x00, of a connection without session tracking."""
    affected, at = read_length(payload, 1)
    _, at = read_length(payload, at)  # last insert id
    if len(payload) < at + 4:
        raise MalformedPacketError("an OK packet is cut off")
    warnings = int.from_bytes(payload[at + 2 : at + 4], "little")
    return OkPacket(affected, warnings, payload[at + 4 :].decode("utf-8", "replace"))


def parse_prepared(payload: bytes) -> Prepared:
    """Parse the first packet of the answer to COM_STMT_PREPARE."""
    try:
        statement_id, columns, parameters = struct.unpack_from("<IHH", payload, 1)
    except struct.error:
        raise MalformedPacketError("the answer to a prepare is cut off") from None
    return Prepared(statement_id, columns, parameters)


def parse_column(payload: bytes) -> ColumnDefinition:
    """Parse a column definition packet (Protocol::ColumnDefinition41)."""
    at = 0
    for _ in range(4):  # catalog, schema, alias and name of the table
        _, at = _read_text(payload, at)
    name, at = _read_text(payload, at)
    _, at = _read_text(payload, at)  # name of the column in its table
    _, at = read_length(payload, at)  # 12, the bytes of what follows
    try:
        charset, length, type_code, flags, decimals = struct.unpack_from("<HIBHB", payload, at)
    except struct.error:
        raise MalformedPacketError("a column definition is cut off") from None
    text = name.decode("utf-8", "replace")
    return ColumnDefinition(text, charset, length, type_code, flags, decimals)


def more_results(payload: bytes) -> bool:
    """Tell whether the packet that ends a result (EOF, or OK marked 0xFE) announces another."""
    if len(payload) == _EOF_BYTES:
        status = int.from_bytes(payload[3:5], "little")
    else:
        _, at = read_length(payload, 1)  # affected rows
        _, at = read_length(payload, at)  # last insert id
        status = int.from_bytes(payload[at : at + 2], "little")
    return bool(status & 0x0008)  # SERVER_MORE_RESULTS_EXISTS
